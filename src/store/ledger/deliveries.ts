/**
 * The life of a delivery: planned -> sending (the intent, saved before the request leaves) -> settled. Every change
 * names the attempt that may make it, so an attempt that was taken over cannot write over its successor.
 */
import { sql } from 'kysely'
import { type Counts, countResults, RESULT } from '../../domain/answers/result.ts'
import { maskPushTokensIn } from '../../domain/push-token.ts'
import { type Db, unseen } from '../database/db.ts'
import { areOfOnePlan, firstAttempt, MAY_GO_ON, OPEN_DELIVERY, type OpenDelivery } from './plan.ts'
import { packUuids, UUID_BYTES } from './ticket-ids.ts'

/** An attempt that holds a delivery; of one that is planned, the last that did. */
export interface Held {
  id: number
  attempt: number
}

/** What came of it, in the order of its push tokens. */
export interface Settled extends Held {
  results: number[]
  ticketIds: (string | null)[] | null
}

/** The row that an answer is in. */
export interface Holder {
  id: number
  /** The delivery had it already, or its attempt had lost it: then the time of its sending is not known any more. */
  isLate: boolean
}

export interface Refusal {
  deliveryId: number
  tokenId: number
  stage: 'ticket' | 'receipt' | 'request'
  code: string | null
  message: string
}

/**
 * Saves the intents. A delivery is not begun when somebody else holds it, or has held it since it was read, and may have divided it;
 * nor when its notification is paused, cancelled or past its time: those are missing from the answer.
 */
export async function beginDeliveries(db: Db, planned: Held[]): Promise<Held[]> {
  return db.rows<Held>(begun(db, planned))
}

/** Each row looks its notification up: with a join, PostgreSQL may read all deliveries of a notification to find a few of them. */
const begun = (db: Db, planned: Held[]) => sql<Held>`
  update ${db.t.deliveries} d set state = 1, attempt = d.attempt + 1, sent_at = ${db.now}
  where ${isOneOf(idsOf(planned))} and d.state = 0
    and d.attempt = (${planned.map((one) => one.attempt)}::int[])[array_position(${idsOf(planned)}::bigint[], d.id)]
    and (select ${MAY_GO_ON(db)} from ${db.t.notifications} n where n.id = d.notification_id)
  returning d.id, d.attempt`

const idsOf = (some: { id: number }[]) => some.map((one) => one.id)
const isOneOf = (ids: number[]) => sql`d.id = any(${unseen(sql`${ids}::bigint[]`)}::bigint[])`

/** Certainly not sent: back to the plan. */
export async function releaseDeliveries(db: Db, held: Held[]): Promise<void> {
  await putBack(db, held, sql`set state = 0`)
}

/** It may have been sent, and will be repeated. */
export async function repeatAmbiguous(db: Db, held: Held[]): Promise<void> {
  await putBack(db, held, sql`set state = 0, ambiguous = d.ambiguous + 1`)
}

/**
 * Its process died, or lost its claim, after the intent: it may have been sent, and will be repeated.
 * @returns those that could be: another may be settled by now, or divided.
 */
export async function takeOver(db: Db, held: Held[]): Promise<Held[]> {
  return putBack(db, held, sql`set state = 0, deaths = d.deaths + 1, attempt = d.attempt + 1`)
}

async function putBack(db: Db, held: Held[], change: ReturnType<typeof sql>): Promise<Held[]> {
  if (held.length === 0) return []
  return db.rows<Held>(sql`
    update ${db.t.deliveries} d ${change}
    from unnest(${held.map((one) => one.id)}::bigint[], ${held.map((one) => one.attempt)}::int[]) as h (id, attempt)
    where d.id = h.id and d.attempt = h.attempt and d.state = 1
    returning d.id, d.attempt`)
}

const COUNTS = ['accepted', 'refused', 'skipped', 'expired', 'cancelled', 'unknown'] as const satisfies (keyof Counts)[]

/**
 * Settles many in one statement. The answer of an attempt that had lost its delivery is appended as a row of its own:
 * its pushes are real, and so are its tickets, whose receipts are asked for. Saved twice, because the first save's
 * acknowledgement was lost, an answer is there once.
 * @param receiptDelayMs when receipts of late answers are asked for.
 * @returns the rows that now hold the answers, in the order given.
 */
export async function settleDeliveries(db: Db, settled: Settled[], receiptDelayMs = 0): Promise<Holder[]> {
  const rows = settled.map(rowOf)
  const done = await db.rows(written(db, rows))
  return appendLate(db, { rows, done, receiptDelayMs })
}

/** Both in one statement, because in a broadcast they come together: the answers to some requests, and the next ones' intents. */
export async function settleAndBegin(db: Db, settled: Settled[], planned: Held[], receiptDelayMs = 0): Promise<Held[]> {
  const rows = settled.map(rowOf)
  const done = await db.rows<{ id: number; attempt: number | null }>(sql`
    with written as (${written(db, rows)}), begun as (${begun(db, planned)})
    select id, null::int as attempt from written union all select id, attempt from begun`)
  await appendLate(db, { rows, done: done.filter((row) => row.attempt === null), receiptDelayMs })
  return done.filter((row): row is Held => row.attempt !== null)
}

/** The ids are given beside the JSON as well: PostgreSQL assumes a hundred rows in that, and would read the whole table for so many. */
const written = (db: Db, rows: SettledRow[]) => sql<{ id: number }>`
  update ${db.t.deliveries} d set
    state = 2, settled_at = ${db.now}, results = s.results, ticket_ids = s.ticket_ids, ticket_uuids = s.ticket_uuids,
    accepted = s.accepted, refused = s.refused, skipped = s.skipped, expired = s.expired, cancelled = s.cancelled,
    unknown = s.unknown
  from ${recordset(rows)}
  where d.id = s.id and d.attempt = s.attempt and d.state = 1 and ${isOneOf(idsOf(rows))}
  returning d.id`

type SettledRow = ReturnType<typeof rowOf>

/** Results that are all alike are one number: to read a list in JSON takes PostgreSQL longer than all the rest. */
function rowOf({ id, attempt, results, ticketIds }: Settled) {
  const [result] = results
  const areAlike = results.every((one) => one === result)
  return {
    id,
    attempt,
    recipients: results.length,
    ...(areAlike ? { result } : { own_results: results }),
    ticketIds,
    ...pickCounts(countResults(results)),
  }
}

interface Saved {
  rows: SettledRow[]
  /** Those that took their answers themselves. */
  done: { id: number }[]
  receiptDelayMs: number
}

/** @returns the rows that hold the answers. */
async function appendLate(db: Db, { rows, done, receiptDelayMs }: Saved): Promise<Holder[]> {
  const held = new Set(done.map((row) => row.id))
  const late = rows.filter((row) => !held.has(row.id) && row.accepted > 0)
  const lateIds = late.length > 0 ? await insertLate(db, late, receiptDelayMs) : new Map<number, number>()
  return rows.map(({ id }) => ({ id: lateIds.get(id) ?? id, isLate: !held.has(id) }))
}

/** With a receipts job of their own: whoever holds the work now may have finished it, and enqueued its receipts, before. */
async function insertLate(db: Db, rows: SettledRow[], receiptDelayMs: number): Promise<Map<number, number>> {
  const appended = await db.transaction(async (tx) => {
    const added = await tx.rows<{ id: number; of: number; accepted: number }>(lateRows(tx, rows))
    const jobs = added.map(({ id, accepted }) => ({ deliveryIds: [id], tries: 0, tickets: accepted }))
    if (jobs.length > 0) await tx.enqueue('receipts', jobs, receiptDelayMs)
    return added
  })
  return new Map(appended.map((row) => [row.of, row.id]))
}

const lateRows = (db: Db, rows: SettledRow[]) => sql<{ id: number; of: number; accepted: number }>`
  with late as (
    insert into ${db.t.deliveries} (notification_id, chunk, part, state, attempt, project, recipients, token_ids,
      results, ticket_ids, ticket_uuids, accepted, refused, skipped, expired, cancelled, unknown, late, sent_at, settled_at)
    select d.notification_id, d.chunk, null, 2, s.id, d.project, d.recipients, d.token_ids,
      s.results, s.ticket_ids, s.ticket_uuids, s.accepted, s.refused, s.skipped, s.expired, s.cancelled, s.unknown, true,
      d.sent_at, ${db.now}
    from ${recordset(rows)} join ${db.t.deliveries} d on d.id = s.id and s.recipients = d.recipients
      and ${areOfOnePlan(sql`d.attempt`, sql`s.attempt`)}
    where not (d.state = 2 and d.attempt = s.attempt and d.accepted = s.accepted)
      and not exists (select from ${db.t.deliveries} l where l.notification_id = d.notification_id
        and l.chunk = d.chunk and l.late and l.ticket_ids = s.ticket_ids
        and l.ticket_uuids is not distinct from s.ticket_uuids)
    returning id, attempt, accepted)
  select id, attempt as "of", accepted from late`

function recordset(rows: SettledRow[]) {
  const { uuids, described } = withTickets(rows)
  return sql`(
    select id, attempt, recipients, accepted, refused, skipped, expired, cancelled, unknown,
      coalesce(own_results, array_fill(result, array[recipients])) as results,
      coalesce(own_ticket_ids, string_to_array(tickets, ' ')) as ticket_ids,
      substring(${unseen(sql`decode(${uuids}, 'hex')`)} from uuids_from for recipients * ${sql.lit(UUID_BYTES)}) as ticket_uuids
    from json_to_recordset(${JSON.stringify(described)}::json) as r (
      id bigint, attempt int, recipients int, result smallint, own_results smallint[], uuids_from int, tickets text,
      own_ticket_ids text[], accepted smallint, refused smallint, skipped smallint, expired smallint, cancelled smallint,
      unknown smallint)) as s`
}

/** Ids that are UUIDs travel as bytes beside the JSON, those of all rows together; others in the JSON, as one text where possible. */
function withTickets(rows: SettledRow[]) {
  const bytes = Buffer.allocUnsafe(rows.reduce((sum, row) => sum + UUID_BYTES * (row.ticketIds?.length ?? 0), 0))
  let end = 0
  const described = rows.map(({ ticketIds, ...row }) => {
    if (!ticketIds || row.accepted === 0) return row
    if (!packUuids(ticketIds, bytes, end)) return { ...row, ...asText(ticketIds) }
    const from = end + 1
    end += UUID_BYTES * ticketIds.length
    return { ...row, uuids_from: from, own_ticket_ids: [] }
  })
  return { uuids: bytes.toString('hex', 0, end), described }
}

const asText = (ids: (string | null)[]) => (ids.every(isOneWord) ? { tickets: ids.join(' ') } : { own_ticket_ids: ids })
const isOneWord = (id: string | null) => id !== null && id !== '' && !id.includes(' ')

type SettledCounts = Pick<Counts, (typeof COUNTS)[number]>

function pickCounts(counts: Counts): SettledCounts {
  return Object.fromEntries(COUNTS.map((name) => [name, counts[name]])) as SettledCounts
}

const mayHaveLeft = sql`ambiguous + deaths > 0`

/** What was planned and will not be sent, because the notification ended: of some an earlier request may have been. */
export async function closePlanned(
  db: Db,
  notificationId: string,
  chunk: number,
  as: 'skipped' | 'expired' | 'cancelled',
  result: number,
): Promise<void> {
  await sql`
    update ${db.t.deliveries} d set state = 2, settled_at = ${db.now},
      ${sql.ref(as)} = case when ${mayHaveLeft} then 0 else recipients end,
      unknown = case when ${mayHaveLeft} then recipients else 0 end,
      results = array_fill(case when ${mayHaveLeft} then ${RESULT.unknown} else ${result} end::smallint, array[recipients::int])
    where notification_id = ${notificationId} and chunk = ${chunk} and state = 0`.execute(db.kysely)
}

/**
 * One delivery becomes several: the first group keeps the row, the others get rows of their own, all planned. The
 * books do not change.
 * @param groups push token ids; together they are the delivery's.
 * @returns the deliveries in the order of the groups; none when the attempt no longer held it.
 */
export async function splitDelivery(
  db: Db,
  held: Held,
  groups: { project: string | null; tokenIds: number[] }[],
): Promise<OpenDelivery[]> {
  const [first, ...others] = groups
  if (!first) throw new Error('a delivery cannot be split into nothing')
  return db.transaction(async (tx) => {
    const [kept] = await tx.rows<OpenDelivery>(sql`
      update ${tx.t.deliveries} set state = 0, project = ${first.project},
        token_ids = ${first.tokenIds}::bigint[], recipients = ${first.tokenIds.length}::smallint
      where id = ${held.id} and attempt = ${held.attempt} and state = 1
      returning ${OPEN_DELIVERY}`)
    if (!kept) return []
    const rows = others.map((group) => ({ project: group.project, token_ids: group.tokenIds }))
    const added = await tx.rows<OpenDelivery>(sql`
      insert into ${tx.t.deliveries} (notification_id, chunk, part, attempt, ambiguous, deaths, project, recipients,
        token_ids)
      select ${kept.notification_id}::uuid, ${kept.chunk}::bigint, null, ${firstAttempt()}::int, ${kept.ambiguous}::smallint, ${kept.deaths}::smallint,
        project, cardinality(token_ids), token_ids
      from json_to_recordset(${JSON.stringify(rows)}::json) as s (project text, token_ids bigint[])
      returning ${OPEN_DELIVERY}`)
    const byFirstToken = new Map([kept, ...added].map((one) => [one.token_ids[0], one]))
    return groups.flatMap((group) => byFirstToken.get(group.tokenIds[0]) ?? [])
  })
}

/** Refusals are rows of their own, because people look for them. */
export async function insertRefusals(db: Db, refusals: Refusal[]): Promise<void> {
  if (refusals.length === 0) return
  await sql`
    insert into ${db.t.refusals} (notification_id, delivery_id, push_token_id, stage, code, message)
    select d.notification_id, d.id, r.token_id, r.stage, r.code, r.message
    from json_to_recordset(${JSON.stringify(
      refusals.map((r) => ({
        delivery_id: r.deliveryId,
        token_id: r.tokenId,
        stage: r.stage,
        code: r.code,
        // Expo quotes the push tokens that it speaks of.
        message: maskPushTokensIn(r.message),
      })),
    )}::json) as r (delivery_id bigint, token_id bigint, stage text, code text, message text)
    join ${db.t.deliveries} d on d.id = r.delivery_id and r.token_id = any(d.token_ids)
    on conflict (delivery_id, push_token_id, stage) do nothing`.execute(db.kysely)
}
