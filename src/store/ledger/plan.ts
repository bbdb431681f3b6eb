/**
 * Planning: which push tokens a piece of work is for. A chunk and a direct notification are planned once, in the
 * ledger; who takes the work up again finds the plan and goes on where it stands.
 */
import { randomInt } from 'node:crypto'
import { type RawBuilder, sql } from 'kysely'
import { RESULT } from '../../domain/answers/result.ts'
import type { Device } from '../../domain/notification.ts'
import { isTaken } from '../database/away.ts'
import { type Db, unseen } from '../database/db.ts'
import { type Notification, notificationColumns } from '../notifications/notifications.ts'
import { ClaimLost } from '../queue/queue.ts'
import { DELIVERY_STATE, type DeliveryState } from '../schema/tables.ts'

/** A delivery that is not settled: waiting (planned), or begun by an attempt that may be dead (sending). */
export interface OpenDelivery {
  id: number
  notification_id: string
  chunk: number
  state: Exclude<DeliveryState, typeof DELIVERY_STATE.settled>
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

const MOST_PLANS = 2_000_000
/** More are counted on into the next plan's, which does no harm. */
const ATTEMPTS_OF_A_PLAN = 1_000

/**
 * Each plan counts its attempts from a number of its own. A standby may be promoted that has never heard of a plan, and gives its ids
 * to the next: whoever still holds the first must not be taken for who has begun the other, nor its answers for the other's.
 */
export const firstAttempt = (): number => randomInt(MOST_PLANS) * ATTEMPTS_OF_A_PLAN

export const areOfOnePlan = (one: RawBuilder<unknown>, other: RawBuilder<unknown>) =>
  sql`${one} / ${sql.lit(ATTEMPTS_OF_A_PLAN)} = ${other} / ${sql.lit(ATTEMPTS_OF_A_PLAN)}`

/** As a person counts them. */
export const attemptsAt = (attempt: RawBuilder<unknown>) => sql`${attempt} % ${sql.lit(ATTEMPTS_OF_A_PLAN)}`

/** Whether what belongs to a notification `n` may be begun. */
export const MAY_GO_ON = (db: Db) => sql`n.state in ('queued', 'sending') and n.expires_at > ${db.now}`

export const OPEN_DELIVERY = sql`id, notification_id, chunk, state, attempt, ambiguous, deaths, project, token_ids`

const device = (db: Db) => sql`p.id, p.token, p.user_id as "userId", ${traits(db)}`
/** With the kinds that its user has muted; while no user has muted any, they are not looked up one by one. */
export const traits = (db: Db) => sql`p.device_type as "deviceType", p.locale, p.project, not p.active as suspended,
  case when (select exists (select from ${db.t.mutes}))
    then (select array_agg(m.kind) from ${db.t.mutes} m where m.user_id = p.user_id) end as muted`

/** The active push tokens, and the suspended ones, which are counted as skipped. Worded as the index `push_tokens_walk` is. */
export const IN_AUDIENCE = sql`(inactive_reason is null or inactive_reason = 'InvalidCredentials')`

/**
 * For a topic, only its followers; without one, everybody. Followers may be few and far between: a planner that does not see how far
 * reads everybody between them. So statements with this have their ids written out (`sql.lit`).
 */
export function followersOf(db: Db, topic: string | null | undefined): RawBuilder<unknown> {
  if (topic === null || topic === undefined) return sql``
  return sql`and user_id in (select s.user_id from ${db.t.subscriptions} s where s.topic = ${topic})`
}

/** A chunk of a broadcast, or a direct notification as a whole. */
export interface Piece {
  notificationId: string
  chunk: number
}

/** The planner does not see how many: there are few in any case. */
export function unnestPieces(pieces: Piece[]): RawBuilder<unknown> {
  const ids = pieces.map((one) => one.notificationId)
  const chunks = pieces.map((one) => one.chunk)
  return sql`unnest(${unseen(sql`${ids}::uuid[]`)}, ${unseen(sql`${chunks}::bigint[]`)})`
}

/** A piece of work as it stands. */
export interface Work {
  notification: Notification
  /** Undefined: nobody has planned it yet. */
  plan: Plan | undefined
}

type PlanRow = Omit<OpenDelivery, 'state'> & { state: DeliveryState }

const PLAN = (db: Db, piece: { notificationId: RawBuilder<unknown>; chunk: RawBuilder<unknown> }) => sql<PlanRow[]>`
  (select json_agg(json_build_object('id', d.id, 'notification_id', d.notification_id, 'chunk', d.chunk,
      'state', d.state, 'attempt', d.attempt, 'ambiguous', d.ambiguous, 'deaths', d.deaths, 'project', d.project,
      'token_ids', case when d.state < 2 then d.token_ids end) order by d.id)
    from ${db.t.deliveries} d
    where d.notification_id = ${piece.notificationId} and d.chunk = ${piece.chunk} and not d.late)`

/** @returns for each piece what there is; undefined: its notification does not exist. */
export async function findWork(db: Db, pieces: Piece[]): Promise<(Work | undefined)[]> {
  return readWork(db, pieces, sql`null`)
}

/** A direct notification. */
export interface DirectWork extends Work {
  /** The push tokens of the users whom it names, now; undefined: more were asked for than are read at once. */
  devices: Device[] | undefined
}

/**
 * All that direct notifications need, in one question.
 * @param mostUsers whose devices are read: those of the first notification in any case.
 */
export async function findDirectWork(db: Db, pieces: Piece[], mostUsers: number): Promise<(DirectWork | undefined)[]> {
  const users = sql`n.audience -> 'users'`
  const named = sql`array(select jsonb_array_elements_text(${users}))`
  const devices = sql`
    case when w.position = 1 or sum(jsonb_array_length(${users})) over (order by w.position) <= ${mostUsers}::int then
      (select coalesce(json_agg(device order by device.id), '[]') from (
        select ${device(db)} from ${db.t.push_tokens} p where ${IN_AUDIENCE} and user_id = any(${named})) device)
    end`
  return readWork(db, pieces, devices)
}

async function readWork(db: Db, pieces: Piece[], devicesOf: RawBuilder<unknown>): Promise<(DirectWork | undefined)[]> {
  const rows = await db.rows<Notification & { position: number; plan: PlanRow[] | null; devices: Device[] | null }>(sql`
    select w.position, ${notificationColumns(db)},
      ${PLAN(db, { notificationId: sql`n.id`, chunk: sql`w.chunk` })} as plan, ${devicesOf} as devices
    from ${unnestPieces(pieces)} with ordinality as w (id, chunk, position)
    join ${db.t.notifications} n on n.id = w.id`)
  const works: (DirectWork | undefined)[] = pieces.map(() => undefined)
  for (const { position, plan, devices, ...notification } of rows)
    works[position - 1] = { notification, plan: planOf(plan), devices: devices ?? undefined }
  return works
}

export async function findPlan(db: Db, { notificationId, chunk }: Piece): Promise<Plan | undefined> {
  const piece = { notificationId: sql`${notificationId}::uuid`, chunk: sql`${chunk}::bigint` }
  const [row] = await db.rows<{ plan: PlanRow[] | null }>(sql`select ${PLAN(db, piece)} as plan`)
  return planOf(row?.plan ?? null)
}

function planOf(rows: PlanRow[] | null): Plan | undefined {
  return rows === null
    ? undefined
    : { open: rows.filter((row): row is OpenDelivery => row.state !== DELIVERY_STATE.settled) }
}

/**
 * Throws ClaimLost when any of it has been planned by somebody else: one statement, so all of the plan is there or nothing.
 * Its commit waits for the disk: after a crash, PostgreSQL would give the ids of a plan that it has lost to another plan.
 * @param begin saves the intent in the same statement; ClaimLost, too, when a notification may not go on any more.
 */
export async function insertPlan(db: Db, deliveries: NewDelivery[], begin = false): Promise<OpenDelivery[]> {
  const rows = deliveries.map(rowOf)
  const attempt = firstAttempt() + (begin ? 1 : 0)
  const planned = await db
    .rows<PlannedRow>(sql`
      insert into ${db.t.deliveries} (notification_id, chunk, part, project, recipients, token_ids, state, attempt, sent_at)
      select d.notification_id, d.chunk, d.part, d.project, cardinality(d.token_ids), d.token_ids, ${begin}::bool::int,
        ${attempt}::int, case when ${begin}::bool then ${db.now} end
      from json_to_recordset(${JSON.stringify(rows)}::json)
        as d (notification_id uuid, chunk bigint, part int, project text, token_ids bigint[])
      ${begin ? allMayGoOn(db, deliveries) : sql``}
      returning id, notification_id, chunk, part`)
    .catch((error: unknown) => {
      throw isTaken(error) ? new ClaimLost('somebody else has planned the same work') : error
    })
  // All of the plan or nothing.
  if (planned.length < rows.length) throw new ClaimLost('its notification was stopped meanwhile')
  const ids = new Map(planned.map((row) => [nameOf(row), row.id]))
  const state = begin ? DELIVERY_STATE.sending : DELIVERY_STATE.planned
  return rows.map(({ part, ...row }) => {
    const id = ids.get(nameOf({ ...row, part })) as number
    return { ...row, id, state, attempt, ambiguous: 0, deaths: 0 }
  })
}

type PlannedRow = { id: number; notification_id: string; chunk: number; part: number }
const nameOf = (row: Omit<PlannedRow, 'id'>) => `${row.notification_id} ${row.chunk} ${row.part}`

function rowOf({ notificationId, chunk, part, project, tokenIds }: NewDelivery) {
  return { notification_id: notificationId, chunk, part, project, token_ids: tokenIds }
}

function allMayGoOn(db: Db, deliveries: NewDelivery[]) {
  const ids = [...new Set(deliveries.map((one) => one.notificationId))]
  return sql`where (select count(*) from ${db.t.notifications} n where n.id = any(${ids}::uuid[]) and ${MAY_GO_ON(db)}) = ${ids.length}`
}

export type NewSkipped = NewDelivery & { reason: 'credentials' | 'muted' }

/** What was planned to be skipped, for a reason that is known beforehand. Part of the same transaction as the plan. */
export async function insertSkipped(tx: Db, deliveries: NewSkipped[]): Promise<void> {
  const rows = deliveries.map((one) => ({ ...rowOf(one), skip_reason: one.reason }))
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

/** Those of a plan that are still active, or suspended, and follow the topic: who has logged out since is not among them. */
export async function readTokens(db: Db, ids: number[], topic?: string): Promise<Device[]> {
  return db.rows<Device>(sql`
    select ${device(db)} from ${db.t.push_tokens} p
    where ${IN_AUDIENCE} and id = any(${ids}::bigint[]) ${followersOf(db, topic)}`)
}
