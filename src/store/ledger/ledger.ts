/** Reading the books. */
import { type RawBuilder, sql } from 'kysely'
import { type Counts, type ResultName, resultName } from '../../domain/answers/result.ts'
import type { Db } from '../database/db.ts'

export type Totals = Counts & { targeted: number; pending: number; awaiting_receipt: number }

/** Sums over the deliveries; what a late attempt sent twice is not in them. */
export async function totalsOf(db: Db, notificationId: string): Promise<Totals> {
  const [totals] = await db.rows<Totals>(sql`
    select coalesce(sum(recipients), 0)::bigint as targeted,
      coalesce(sum(recipients) filter (where state < 2), 0)::bigint as pending,
      coalesce(sum(accepted - handed_over - failed - no_receipt), 0)::bigint as awaiting_receipt,
      coalesce(sum(accepted), 0)::bigint as accepted, coalesce(sum(handed_over), 0)::bigint as handed_over,
      coalesce(sum(failed), 0)::bigint as failed, coalesce(sum(no_receipt), 0)::bigint as no_receipt,
      coalesce(sum(refused), 0)::bigint as refused, coalesce(sum(skipped), 0)::bigint as skipped,
      coalesce(sum(expired), 0)::bigint as expired, coalesce(sum(cancelled), 0)::bigint as cancelled,
      coalesce(sum(unknown), 0)::bigint as unknown
    from ${db.t.deliveries} where notification_id = ${notificationId} and not late`)
  if (!totals) throw new Error('an aggregate without a row')
  return totals
}

/**
 * The chunk of a notification that a push token is in, as SQL. A chunk is named by its first push token, so it is the last one that
 * begins at or before it; that of a direct notification is 0.
 */
export const chunkOf = (
  db: Db,
  notificationId: RawBuilder<unknown>,
  tokenId: RawBuilder<unknown>,
): RawBuilder<number> =>
  sql`(select max(c.chunk) from ${db.t.deliveries} c where c.notification_id = ${notificationId} and c.chunk <= ${tokenId})`

export interface DeviceOutcome {
  push_token: string
  device_type: string | null
  status: ResultName
  code: string | null
  message: string | null
}

/** Every device of a direct notification, and what came of it. */
export async function devicesOf(db: Db, notificationId: string): Promise<DeviceOutcome[]> {
  const rows = await db.rows<Omit<DeviceOutcome, 'status'> & { result: number }>(sql`
    select p.token as push_token, p.device_type, coalesce(d.results[i.position], 0) as result, r.code, r.message
    from ${db.t.deliveries} d
    cross join lateral unnest(d.token_ids) with ordinality as i (token_id, position)
    join ${db.t.push_tokens} p on p.id = i.token_id
    left join lateral (
      select code, message from ${db.t.refusals} r
      where r.delivery_id = d.id and r.push_token_id = i.token_id order by r.id desc limit 1) r on true
    where d.notification_id = ${notificationId} and not d.late
    order by p.id`)
  return rows.map(({ result, ...row }) => ({ ...row, status: resultName(result) }))
}
