/** The totals of many notifications at once. What will not change any more is added up once, and kept. */
import { sql } from 'kysely'
import { hasEnded, type NotificationState } from '../../domain/notification.ts'
import type { Db } from '../database/db.ts'
import { type Totals, totalsOf } from '../ledger/ledger.ts'

/** Receipts come in for a day after the end: a list may show them this late. One notification is always shown exactly. */
const KEPT_FOR_SECONDS = 15

type Asked = { id: string; state: NotificationState }

export async function totalsOfMany(db: Db, asked: Asked[]): Promise<Map<string, Totals>> {
  const kept = await db.rows<{ id: string; counts: Totals }>(sql`
    select notification_id as id, counts from ${db.t.totals}
    where notification_id = any(${asked.map((one) => one.id)}::uuid[])
      and (final or at > ${db.now} - make_interval(secs => ${KEPT_FOR_SECONDS}))`)
  const known = new Map(kept.map((row) => [row.id, row.counts]))
  const missing = asked.filter((one) => !known.has(one.id) || !hasEnded(one.state))
  for (const one of await addUp(
    db,
    missing.map((row) => row.id),
  ))
    known.set(one.id, one.counts)
  await keep(
    db,
    missing.filter((one) => hasEnded(one.state)),
    known,
  )
  return new Map(asked.map((one) => [one.id, known.get(one.id) ?? nothing()]))
}

/** As the ledger has it now. */
export async function exactTotals(db: Db, one: Asked): Promise<Totals> {
  const [kept] = await db.rows<{ counts: Totals }>(sql`
    select counts from ${db.t.totals} where notification_id = ${one.id} and final`)
  // One order of the names: what was kept as jsonb comes back in another, and an event's id is made of the text.
  if (kept) return { ...nothing(), ...kept.counts }
  const counts = { ...nothing(), ...(await totalsOf(db, one.id)) }
  if (hasEnded(one.state)) await keep(db, [one], new Map([[one.id, counts]]))
  return counts
}

async function addUp(db: Db, ids: string[]): Promise<{ id: string; counts: Totals }[]> {
  if (ids.length === 0) return []
  const rows = await db.rows<Totals & { id: string }>(sql`
    select notification_id as id, sum(recipients)::bigint as targeted,
      coalesce(sum(recipients) filter (where state < 2), 0)::bigint as pending,
      sum(accepted - handed_over - failed - no_receipt)::bigint as awaiting_receipt,
      sum(accepted)::bigint as accepted, sum(handed_over)::bigint as handed_over, sum(failed)::bigint as failed,
      sum(no_receipt)::bigint as no_receipt, sum(refused)::bigint as refused, sum(skipped)::bigint as skipped,
      sum(expired)::bigint as expired, sum(cancelled)::bigint as cancelled, sum(unknown)::bigint as unknown
    from ${db.t.deliveries} where notification_id = any(${ids}::uuid[]) and not late group by notification_id`)
  return rows.map(({ id, ...counts }) => ({ id, counts }))
}

/** A plan that was being written when its notification was stopped is closed by then: sums are not kept for good before. */
const SETTLED_AFTER_SECONDS = 60

async function keep(db: Db, ended: Asked[], known: Map<string, Totals>): Promise<void> {
  const rows = ended.map(({ id }) => {
    const counts = known.get(id) ?? nothing()
    return { id, counts, final: counts.pending === 0 && counts.awaiting_receipt === 0 }
  })
  if (rows.length === 0) return
  await sql`
    insert into ${db.t.totals} as t (notification_id, counts, final)
    select r.id, r.counts, r.final and (n.state = 'finished'
      or n.finished_at < ${db.now} - make_interval(secs => ${SETTLED_AFTER_SECONDS}))
    from json_to_recordset(${JSON.stringify(rows)}::json) as r (id uuid, counts jsonb, final boolean)
    join ${db.t.notifications} n on n.id = r.id
    on conflict (notification_id) do update set counts = excluded.counts, final = excluded.final, at = ${db.now}
    where not t.final`.execute(db.kysely)
}

export function nothing(): Totals {
  return {
    targeted: 0,
    pending: 0,
    accepted: 0,
    awaiting_receipt: 0,
    handed_over: 0,
    failed: 0,
    no_receipt: 0,
    refused: 0,
    skipped: 0,
    expired: 0,
    cancelled: 0,
    unknown: 0,
  }
}
