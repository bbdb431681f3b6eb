/** Expo's later word: which tickets still wait for a receipt, and what the receipts said. */
import { sql } from 'kysely'
import { countResults, RESULT } from '../../domain/answers/result.ts'
import type { Db } from '../database/db.ts'
import { type Piece, unnestPieces } from './plan.ts'
import { unpackUuids } from './ticket-ids.ts'

export interface AwaitingReceipts {
  id: number
  project: string | null
  token_ids: number[]
  results: number[]
  ticket_ids: (string | null)[]
  /** Since its tickets were written down. */
  age_ms: number
  /** Of an attempt that had lost its delivery. */
  late: boolean
}

/** Once a delivery's last receipt is in, its ticket ids are dropped, and it is not among these. */
export async function findAwaiting(db: Db, deliveryIds: number[]): Promise<AwaitingReceipts[]> {
  const rows = await db.rows<AwaitingReceipts & { ticket_uuids: Uint8Array | null }>(sql`
    select id, project, token_ids, results, ticket_ids, ticket_uuids, late,
      (extract(epoch from ${db.now} - settled_at) * 1000)::float8 as age_ms
    from ${db.t.deliveries}
    where id = any(${deliveryIds}::bigint[]) and state = 2 and ticket_ids is not null order by id`)
  return rows.map(({ ticket_uuids, ...row }) =>
    ticket_uuids ? { ...row, ticket_ids: unpackUuids(ticket_uuids) } : row,
  )
}

/** A delivery whose results somebody else has moved on meanwhile is left as it is. */
export async function settleReceipts(
  db: Db,
  settled: { before: AwaitingReceipts; results: number[] }[],
): Promise<void> {
  const rows = settled.map(({ before, results }) => {
    const { handed_over, failed, no_receipt } = countResults(results)
    return {
      id: before.id,
      before: before.results,
      results,
      handed_over,
      failed,
      no_receipt,
      awaiting: results.includes(RESULT.accepted),
    }
  })
  await sql`
    update ${db.t.deliveries} d set results = s.results, handed_over = s.handed_over, failed = s.failed,
      no_receipt = s.no_receipt, ticket_ids = case when s.awaiting then d.ticket_ids end,
      ticket_uuids = case when s.awaiting then d.ticket_uuids end
    from json_to_recordset(${JSON.stringify(rows)}::json) as s (
      id bigint, before smallint[], results smallint[], handed_over smallint, failed smallint, no_receipt smallint,
      awaiting boolean)
    where d.id = s.id and d.results = s.before`.execute(db.kysely)
}

/** What finished pieces of work have that receipts will come for. Late answers bring a job of their own. */
export async function acceptedDeliveries(db: Db, pieces: Piece[]): Promise<{ id: number; accepted: number }[]> {
  return db.rows(sql`
    select d.id, d.accepted::int as accepted
    from ${unnestPieces(pieces)} as w (id, chunk)
    join ${db.t.deliveries} d on d.notification_id = w.id and d.chunk = w.chunk
    where d.accepted > 0 and d.ticket_ids is not null and not d.late
    order by d.id`)
}
