/**
 * Planning: which push tokens a piece of work is for. A chunk and a direct notification are planned once, in the
 * ledger; who takes the work up again finds the plan and goes on where it stands.
 */
import { type RawBuilder, sql } from 'kysely'
import type { Recipient } from '../domain/notification.ts'
import { RESULT } from '../domain/result.ts'
import type { Db } from './db.ts'

/** A delivery that is not settled: waiting (planned), or begun by an attempt that may be dead (sending). */
export interface OpenDelivery {
  id: number
  notification_id: string
  state: 0 | 1
  attempt: number
  ambiguous: number
  deaths: number
  project: string | null
  token_ids: number[]
}

export interface Plan {
  /** Empty: all of it is settled. */
  open: OpenDelivery[]
}

/** A delivery to be: up to 100 recipients of one project. */
export interface NewDelivery {
  notificationId: string
  chunk: number
  part: number
  project: string | null
  tokenIds: number[]
}

export const OPEN_DELIVERY = sql`id, notification_id, state, attempt, ambiguous, deaths, project, token_ids`

/** A push token `p`, with the kinds that its user has muted; where nobody has, nobody is asked one by one. */
const recipient = (
  db: Db,
) => sql`p.id, p.token, p.device_type as "deviceType", p.locale, p.project, p.user_id as "userId",
  not p.active as suspended,
  case when (select exists (select from ${db.t.mutes}))
    then (select coalesce(array_agg(m.kind), '{}') from ${db.t.mutes} m where m.user_id = p.user_id)
    else '{}'::text[] end as muted`

/** The active push tokens, and the suspended ones, which are counted as skipped. As the index of the walk has it. */
export const IN_AUDIENCE = sql`(inactive_reason is null or inactive_reason = 'InvalidCredentials')`

/** Of a topic's audience only its followers; of any other audience everybody. */
export function followersOf(db: Db, topic: string | null | undefined): RawBuilder<unknown> {
  if (topic === null || topic === undefined) return sql``
  return sql`and user_id in (select s.user_id from ${db.t.subscriptions} s where s.topic = ${topic})`
}

export async function findPlan(db: Db, notificationIds: string[], chunk: number): Promise<Map<string, Plan>> {
  const rows = await db.rows<OpenDelivery & { settled: boolean }>(sql`
    select id, notification_id, state, attempt, ambiguous, deaths, project,
      case when state = 2 then null else token_ids end as token_ids, state = 2 as settled
    from ${db.t.deliveries}
    where notification_id = any(${notificationIds}::uuid[]) and chunk = ${chunk} and not late order by id`)
  const plans = new Map<string, Plan>()
  for (const { settled, ...row } of rows) {
    const plan = plans.get(row.notification_id) ?? { open: [] }
    if (!settled) plan.open.push(row)
    plans.set(row.notification_id, plan)
  }
  return plans
}

/** Planned twice at the same moment (a claim was lost): the first one holds, and this returns nothing. */
export async function insertPlan(db: Db, deliveries: NewDelivery[]): Promise<OpenDelivery[]> {
  const rows = deliveries.map((d) => ({
    notification_id: d.notificationId,
    chunk: d.chunk,
    part: d.part,
    project: d.project,
    token_ids: d.tokenIds,
  }))
  return db.rows<OpenDelivery>(sql`
    insert into ${db.t.deliveries} (notification_id, chunk, part, project, recipients, token_ids)
    select notification_id, chunk, part, project, cardinality(token_ids), token_ids
    from json_to_recordset(${JSON.stringify(rows)}::json)
      as d (notification_id uuid, chunk bigint, part int, project text, token_ids bigint[])
    on conflict (notification_id, chunk, part) do nothing
    returning ${OPEN_DELIVERY}`)
}

/** What was planned to be skipped, for a reason that is known beforehand. Part of the same transaction as the plan. */
export async function insertSkipped(
  tx: Db,
  deliveries: (NewDelivery & { reason: 'credentials' | 'muted' })[],
): Promise<void> {
  const rows = deliveries.map((d) => ({
    notification_id: d.notificationId,
    chunk: d.chunk,
    part: d.part,
    project: d.project,
    token_ids: d.tokenIds,
    skip_reason: d.reason,
  }))
  await sql`
    insert into ${tx.t.deliveries} (notification_id, chunk, part, project, recipients, token_ids, skip_reason,
      state, results, skipped, settled_at)
    select notification_id, chunk, part, project, cardinality(token_ids), token_ids, skip_reason,
      2, array_fill(${RESULT.skipped}::smallint, array[cardinality(token_ids)]), cardinality(token_ids), ${tx.now}
    from json_to_recordset(${JSON.stringify(rows)}::json)
      as d (notification_id uuid, chunk bigint, part int, project text, token_ids bigint[], skip_reason text)`.execute(
    tx.kysely,
  )
}

/** The push tokens of a chunk, now. Whoever is excepted is not among them. */
export async function readChunk(
  db: Db,
  range: { from: number; to: number; except: string[]; topic?: string },
): Promise<Recipient[]> {
  return db.rows<Recipient>(sql`
    select ${recipient(db)} from ${db.t.push_tokens} p
    where ${IN_AUDIENCE} and id between ${range.from} and ${range.to} and user_id <> all(${range.except}::text[])
      ${followersOf(db, range.topic)}
    order by id`)
}

/** The push tokens of these users, now. */
export async function readUsers(db: Db, userIds: string[]): Promise<Recipient[]> {
  return db.rows<Recipient>(sql`
    select ${recipient(db)} from ${db.t.push_tokens} p
    where ${IN_AUDIENCE} and user_id = any(${userIds}::text[]) order by id`)
}

/** Those of a plan that are still active: who logged out or was retired since is not among them. */
export async function readTokens(db: Db, ids: number[]): Promise<Recipient[]> {
  return db.rows<Recipient>(sql`
    select ${recipient(db)} from ${db.t.push_tokens} p where active and id = any(${ids}::bigint[])`)
}
