/**
 * A flood of `DeviceNotRegistered` is undone and held until a person decides: Expo has called whole user bases dead before, and been
 * wrong. The transaction that trips it only raises the alarm; a job brings back what the last hour has cost, a batch at a time, since
 * it may be more than one statement can. When the person confirms the flood, they are retired in the same way.
 */
import { type RawBuilder, sql } from 'kysely'
import type { Db } from '../database/db.ts'
import { audit } from '../operator/audit.ts'
import { actorOf, DEVICES_AT_ONCE, resolveAlarm } from './alarms.ts'
import { asSent, isStillIt, type Judged } from './judged.ts'

/** More than this share of a project's answers in an hour, and more than this many of its tokens, are a flood. */
const FLOOD_SHARE = 0.1
const FLOOD_TOKENS = 200

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
 * Raises one alarm when the last hour is a flood. Until it ends none of that project is retired, and a job undoes the flood.
 * @param retired how many this transaction has retired. If any, it had not seen an alarm that was just being raised: it asks for the job, too.
 * @returns how many answers of the hour called a token dead; undefined when there is no flood, or it is held already.
 */
export async function tripFlood(tx: Db, project: string, retired: number): Promise<number | undefined> {
  const [flood] = await tx.rows<{ id: number; gone: number | null }>(sql`
    with tripped as (
      insert into ${tx.t.alarms} (kind, project, detail)
      select 'flood', ${project}, json_build_object('answered', hour.answered, 'gone', hour.gone)::jsonb
      from (select sum(answered)::bigint as answered, sum(gone)::bigint as gone from ${tx.t.answers}
        where project = ${project} and minute > ${tx.now} - interval '1 hour') hour
      where hour.gone > ${FLOOD_TOKENS}::int and hour.gone > hour.answered * ${FLOOD_SHARE}::float8
      on conflict do nothing returning id, (detail ->> 'gone')::bigint as gone)
    select id, gone from tripped union all
    select id, null from ${tx.t.alarms} where kind = 'flood' and project = ${project} and resolved_at is null`)
  if (flood && (flood.gone !== null || retired > 0)) await tx.enqueue('flood', [{ alarmId: flood.id }])
  return flood?.gone ?? undefined
}

/** Everything of the project that was retired since an hour before the alarm comes back, and is held. @returns how many. */
export async function undoFlood(db: Db, alarmId: number): Promise<number> {
  for (let restored = 0; ; ) {
    const some = await db.transaction((tx) => undoSome(tx, alarmId))
    restored += some
    if (some < DEVICES_AT_ONCE) return restored
  }
}

/** Under a lock, so that whoever finds nothing left can rely on it. Tokens that are held already and inactive were retired by a person. */
async function undoSome(tx: Db, alarmId: number): Promise<number> {
  const [flood] = await tx.rows<{ project: string; since: string }>(sql`
    select project, (raised_at - interval '1 hour')::text as since from ${tx.t.alarms}
    where id = ${alarmId} and ${IS_OPEN} for no key update`)
  if (!flood) return 0
  const isMeant = sql`inactive_reason = 'DeviceNotRegistered' and inactive_at > ${flood.since}::timestamptz
    and coalesce(project, '') = ${flood.project}`
  const back = await tx.rows(sql`
    with back as (
      update ${tx.t.push_tokens} set active = true, inactive_reason = null, inactive_at = null
      where ${isMeant} and id in (
        select p.id from ${tx.t.push_tokens} p where ${isMeant} and not exists (
          select from ${tx.t.held_tokens} h where h.alarm_id = ${alarmId} and h.push_token_id = p.id)
        limit ${DEVICES_AT_ONCE}::int)
      returning id, user_id),
    recorded as (
      insert into ${tx.t.token_events} (push_token_id, kind, user_id, detail)
      select id, 'restored', user_id, 'flood' from back)
    insert into ${tx.t.held_tokens} (alarm_id, push_token_id) select ${alarmId}::bigint, id from back
    returning push_token_id`)
  return back.length
}

/** Of an alarm. */
const IS_OPEN = sql`kind = 'flood' and resolved_at is null`

/** Not retired while a person has not decided. */
export async function holdInFlood(tx: Db, alarmId: number, judged: Judged[]): Promise<void> {
  await sql`
    insert into ${tx.t.held_tokens} (alarm_id, push_token_id)
    select ${alarmId}::bigint, p.id from ${asSent(tx, judged)} join ${tx.t.push_tokens} p on ${isStillIt(tx)}
    on conflict do nothing`.execute(tx.kysely)
}

/**
 * The person says: they are dead. Who has registered again since is not. The alarm ends last: until then it can be said again.
 * @returns how many were retired; undefined: no such open alarm.
 */
export async function confirmFlood(db: Db, id: number, by: string): Promise<number | undefined> {
  await undoFlood(db, id)
  const most = await retireHeld(db, id)
  return db.transaction(async (tx) => {
    // Some may have been held meanwhile, behind where it stood.
    const devices = most + (await retireHeld(tx, id))
    if (!(await resolveAlarm(tx, id, 'flood', by)) && devices === 0) return undefined
    await audit(tx, {
      actor: actorOf(by),
      action: 'alarm.confirm',
      subject: `alarm:${id}`,
      detail: { kind: 'flood', devices },
    })
    return devices
  })
}

/** @returns how many of those that an open alarm holds were retired just now. */
async function retireHeld(db: Db, alarmId: number): Promise<number> {
  for (let [after, devices] = [0, 0]; ; ) {
    const [some] = await db.rows(retireSome(db, alarmId, after))
    if (!some?.last) return devices
    devices += some.retired
    after = some.last
  }
}

/** The next after a push token's id. */
const retireSome = (
  db: Db,
  alarmId: number,
  after: number,
): RawBuilder<{ last: number | null; retired: number }> => sql`
  with held as (
    select h.push_token_id as id, h.held_at from ${db.t.held_tokens} h
    where h.alarm_id = ${alarmId} and h.push_token_id > ${after}::bigint
      and exists (select from ${db.t.alarms} a where a.id = h.alarm_id and ${IS_OPEN})
    order by h.push_token_id limit ${DEVICES_AT_ONCE}::int),
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
  await undoFlood(db, id)
  return db.transaction(async (tx) => {
    const isReleased = await resolveAlarm(tx, id, 'flood', by)
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
