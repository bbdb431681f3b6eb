/**
 * What a person has to decide, or to mend. A flood of `DeviceNotRegistered` is undone and held: Expo has called whole
 * user bases dead before, and been wrong. Refused credentials suspend tokens until a probe gets through.
 */
import { sql } from 'kysely'
import type { Db } from '../database/db.ts'
import { type Actor, audit } from '../operator/audit.ts'
import type { AlarmKind } from '../schema/tables.ts'
import { asSent, IS_STILL_IT, type Judged } from './judged.ts'

export interface Alarm {
  id: number
  kind: AlarmKind
  project: string
  device_type: string
  detail: object
  raised_at: Date
  resolved_at: Date | null
  resolved_by: string | null
}

/** More than this share of a project's answers in an hour, and more than this many of its tokens, are a flood. */
export const FLOOD_SHARE = 0.1
export const FLOOD_TOKENS = 200
/** One real notification to a suspended token in this time; nothing is ever invented for it. */
const PROBE_EVERY_MINUTES = 10
/** Devices in one statement: a whole platform at once would take longer than a statement may. */
const BATCH = 5_000

export async function listAlarms(db: Db, which: { open?: boolean } = {}): Promise<Alarm[]> {
  return db.kysely
    .selectFrom('alarms')
    .select(['id', 'kind', 'project', 'device_type', 'detail', 'raised_at', 'resolved_at', 'resolved_by'])
    .$if(which.open !== undefined, (query) => query.where('resolved_at', which.open ? 'is' : 'is not', null))
    .orderBy('id', 'desc')
    .limit(200)
    .execute()
}

export async function openFlood(db: Db, project: string): Promise<number | undefined> {
  const alarm = await db.kysely
    .selectFrom('alarms')
    .select('id')
    .where('kind', '=', 'flood')
    .where('project', '=', project)
    .where('resolved_at', 'is', null)
    .executeTakeFirst()
  return alarm?.id
}

export interface Answered {
  minutesAgo: number
  /** Recipients that Expo has answered for. */
  answered: number
}

/**
 * For the hour that a flood is measured in: each answer into its own minute, because those of a good morning would hide
 * the flood of an evening. The dead are written down at once, into this one.
 */
export async function countAnswers(tx: Db, project: string, answers: Answered[], gone: number): Promise<void> {
  await sql`
    insert into ${tx.t.answers} as a (project, minute, answered, gone)
    select ${project}, date_trunc('minute', ${tx.now} - make_interval(mins => ago)) as minute, sum(answered), sum(gone)
    from (
      select 0, 0, ${gone}::int union all
      select u.*, 0 from unnest(${answers.map((one) => one.minutesAgo)}::int[], ${answers.map((one) => one.answered)}::int[]) as u
    ) as counted (ago, answered, gone)
    group by minute order by minute
    on conflict (project, minute) do update set answered = a.answered + excluded.answered, gone = a.gone + excluded.gone`.execute(
    tx.kysely,
  )
}

/**
 * Trips when the last hour is a flood: one alarm, everything of that project that was retired in that hour comes back,
 * and is held.
 * @returns how many came back; undefined when there is no flood, or it is held already.
 */
export async function tripFlood(tx: Db, project: string): Promise<number | undefined> {
  const [alarm] = await tx.rows<{ id: number }>(sql`
    insert into ${tx.t.alarms} (kind, project, detail)
    select 'flood', ${project}, json_build_object('answered', hour.answered, 'gone', hour.gone)::jsonb
    from (select sum(answered)::bigint as answered, sum(gone)::bigint as gone from ${tx.t.answers}
      where project = ${project} and minute > ${tx.now} - interval '1 hour') hour
    where hour.gone > ${FLOOD_TOKENS}::int and hour.gone > hour.answered * ${FLOOD_SHARE}::float8
    on conflict do nothing returning id`)
  if (!alarm) return undefined
  const back = await tx.rows(sql`
    with back as (
      update ${tx.t.push_tokens} set active = true, inactive_reason = null, inactive_at = null
      where inactive_reason = 'DeviceNotRegistered' and inactive_at > ${tx.now} - interval '1 hour'
        and coalesce(project, '') = ${project}
      returning id, user_id),
    recorded as (
      insert into ${tx.t.token_events} (push_token_id, kind, user_id, detail)
      select id, 'restored', user_id, 'flood' from back)
    insert into ${tx.t.held_tokens} (alarm_id, push_token_id) select ${alarm.id}::bigint, id from back
    on conflict do nothing returning push_token_id`)
  return back.length
}

/** Not retired while a person has not decided. */
export async function holdInFlood(tx: Db, alarmId: number, judged: Judged[]): Promise<void> {
  await sql`
    insert into ${tx.t.held_tokens} (alarm_id, push_token_id)
    select ${alarmId}::bigint, p.id from ${asSent(tx, judged)} join ${tx.t.push_tokens} p on ${IS_STILL_IT}
    on conflict do nothing`.execute(tx.kysely)
}

/**
 * The person says: they are dead. Who has registered again since is not. The alarm ends last: until then it can be said again.
 * @returns how many were retired; undefined: no such open alarm.
 */
export async function confirmFlood(db: Db, id: number, by: string): Promise<number | undefined> {
  let devices = 0
  for (let after = 0; ; ) {
    const [some] = await db.rows<{ last: number | null; retired: number }>(retireHeld(db, id, after))
    if (!some?.last) break
    devices += some.retired
    after = some.last
  }
  return db.transaction(async (tx) => {
    if (!(await resolve(tx, id, 'flood', by))) return undefined
    await audit(tx, {
      actor: actorOf(by),
      action: 'alarm.confirm',
      subject: `alarm:${id}`,
      detail: { kind: 'flood', devices },
    })
    return devices
  })
}

/** Of those that an open alarm holds, the next after a push token's id. */
const retireHeld = (db: Db, alarmId: number, after: number) => sql<{ last: number | null; retired: number }>`
  with held as (
    select h.push_token_id as id, h.held_at from ${db.t.held_tokens} h
    where h.alarm_id = ${alarmId} and h.push_token_id > ${after}::bigint
      and exists (select from ${db.t.alarms} a where a.id = h.alarm_id and a.kind = 'flood' and a.resolved_at is null)
    order by h.push_token_id limit ${BATCH}::int),
  retired as (
    update ${db.t.push_tokens} p set active = false, inactive_reason = 'DeviceNotRegistered', inactive_at = ${db.now}
    from held where p.id = held.id and p.active and p.updated_at <= held.held_at
    returning p.id, p.user_id),
  recorded as (
    insert into ${db.t.token_events} (push_token_id, kind, user_id, detail)
    select id, 'retired', user_id, 'flood confirmed' from retired)
  select (select max(id) from held) as last, (select count(*) from retired)::int as retired`

/** The person says: it was a false flood; they stay. @returns whether there was such an open alarm. */
export async function releaseFlood(db: Db, id: number, by: string): Promise<boolean> {
  return db.transaction(async (tx) => {
    const isReleased = await resolve(tx, id, 'flood', by)
    if (isReleased)
      await audit(tx, {
        actor: actorOf(by),
        action: 'alarm.release',
        subject: `alarm:${id}`,
        detail: { kind: 'flood' },
      })
    return isReleased
  })
}

/** Alarms are settled by the operator, or by what the program has seen itself. */
const actorOf = (by: string): Actor => (by === 'operator' ? by : 'system')

async function resolve(tx: Db, id: number, kind: AlarmKind, by: string): Promise<boolean> {
  const [alarm] = await tx.rows<{ project: string }>(sql`
    update ${tx.t.alarms} set resolved_at = ${tx.now}, resolved_by = ${by}
    where id = ${id} and kind = ${kind} and resolved_at is null returning project`)
  // The hour starts anew: what has been decided must not trip again.
  if (alarm && kind === 'flood') await tx.kysely.deleteFrom('answers').where('project', '=', alarm.project).execute()
  return alarm !== undefined
}

export interface Credentials {
  /** Empty: not known. */
  project: string
  deviceType: string
}

/** The refusal itself was as good as a probe: the next one waits. */
export async function raiseCredentialsAlarms(tx: Db, refused: Credentials[]): Promise<void> {
  if (refused.length === 0) return
  await sql`
    insert into ${tx.t.alarms} (kind, project, device_type, probed_at)
    select distinct 'credentials', r.project, r.device_type, ${tx.now}
    from unnest(${refused.map((one) => one.project)}::text[], ${refused.map((one) => one.deviceType)}::text[]) as r (project, device_type)
    on conflict do nothing`.execute(tx.kysely)
}

/** @returns whether a notification to one of these suspended tokens may be sent now, to see if it gets through. */
export async function claimCredentialsProbe(db: Db, { project, deviceType }: Credentials): Promise<boolean> {
  const rows = await db.rows(sql`
    update ${db.t.alarms} set probed_at = ${db.now}
    where kind = 'credentials' and project = ${project} and device_type = ${deviceType} and resolved_at is null
      and probed_at <= ${db.now} - make_interval(mins => ${PROBE_EVERY_MINUTES})
    returning id`)
  return rows.length > 0
}

/** Receipts that are ok, of tokens that were sent to after they had been suspended: their credentials work again. */
export async function findMended(
  tx: Db,
  handedOver: { tokenId: number; deliveryId: number }[],
): Promise<Credentials[]> {
  if (handedOver.length === 0) return []
  return tx.rows<Credentials>(sql`
    select distinct coalesce(p.project, '') as project, coalesce(p.device_type, '') as "deviceType"
    from unnest(${handedOver.map((one) => one.tokenId)}::bigint[], ${handedOver.map((one) => one.deliveryId)}::bigint[]) as h (token_id, delivery_id)
    join ${tx.t.push_tokens} p on p.id = h.token_id and p.inactive_reason = 'InvalidCredentials'
    join ${tx.t.deliveries} d on d.id = h.delivery_id and d.sent_at > p.inactive_at`)
}

/**
 * All that were suspended for this project and platform come back. The alarm ends last, and goes on when somebody was suspended
 * meanwhile: without an alarm there is no probe. @returns how many.
 */
export async function restoreSuspended(db: Db, credentials: Credentials, by: string): Promise<number> {
  const { project, deviceType } = credentials
  const [start] = await db.rows<{ at: string }>(sql`select ${db.now}::text as at`)
  let devices = 0
  for (;;) {
    const { length } = await db.rows(restoreSome(db, credentials, start?.at as string))
    devices += length
    if (length === 0) break
  }
  await db.transaction(async (tx) => {
    const [alarm] = await tx.rows<{ id: number }>(sql`
      update ${tx.t.alarms} set resolved_at = ${tx.now}, resolved_by = ${by}
      where kind = 'credentials' and project = ${project} and device_type = ${deviceType} and resolved_at is null
        and not exists (select from ${tx.t.push_tokens} where ${areSuspended(credentials)})
      returning id`)
    if (alarm || devices > 0)
      await audit(tx, {
        actor: actorOf(by),
        action: 'suspended.restore',
        subject: alarm ? `alarm:${alarm.id}` : `project:${project}`,
        detail: { by, project, device_type: deviceType, devices },
      })
  })
  return devices
}

/** @param until who is suspended later stays so. */
function restoreSome(db: Db, credentials: Credentials, until: string) {
  const isMeant = sql`${areSuspended(credentials)} and inactive_at <= ${until}::timestamptz`
  return sql`
    with back as (
      update ${db.t.push_tokens} set active = true, inactive_reason = null, inactive_at = null
      where id in (select id from ${db.t.push_tokens} where ${isMeant} limit ${BATCH}::int) and ${isMeant}
      returning id, user_id)
    insert into ${db.t.token_events} (push_token_id, kind, user_id, detail)
    select id, 'restored', user_id, 'credentials' from back returning id`
}

const areSuspended = ({ project, deviceType }: Credentials) => sql`
  inactive_reason = 'InvalidCredentials' and inactive_at is not null
    and coalesce(project, '') = ${project} and coalesce(device_type, '') = ${deviceType}`
