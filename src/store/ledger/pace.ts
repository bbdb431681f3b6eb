/**
 * Expo's limit, shared by all processes: one row a project, with what was sent in the last second. A slot is taken only
 * when it fits, nothing is reserved ahead. Broadcasts keep their distance, so that room comes free evenly; a direct
 * request that waits marks the row, and broadcasts yield.
 */
import { sql } from 'kysely'
import type { Lane } from '../../ports.ts'
import type { Db } from '../database/db.ts'

/**
 * Expo counts where it receives: what is counted here in a little more than a second arrives within any second, though
 * requests do not all travel equally long, and leave a few milliseconds after they are counted.
 */
const WINDOW_SECONDS = 1.015
/**
 * Requests of broadcasts keep such a distance that the limit takes this long. Longer than the window: else one that came late would
 * delay the sixth after it, that one the next sixth, and so on to the end of the broadcast.
 */
const SPREAD_SECONDS = 1.022
/** A broadcast that came late may catch up by as much, so that timers do not cost throughput. */
const CREDIT_SECONDS = 0.05
/** How long a waiting direct request keeps broadcasts away; it asks again sooner than that, and lifts it with its slot. */
const DIRECT_MARK_SECONDS = 0.25
/** The memory of how many direct recipients there are a second. */
const DIRECT_MEMORY_SECONDS = 3
/** After a 429 the pace climbs back by this share of the configured rate each second. */
const CLIMB_PER_SECOND = 0.05
/** How far one 429 lowers the pace, and where lowering ends. */
const LOWER_FACTOR = 0.85
const LOWEST_PER_SECOND = 20

const seconds = (value: number) => sql`make_interval(secs => ${value})`

export interface Slot {
  /** When it was taken, by the database's clock; null: it was not. */
  at: string | null
  /** When not taken: how long until asking again is worth it. */
  waitMs: number
}

export interface Ask {
  project: string
  lane: Lane
  recipients: number
  /** Recipients a second, above 0. */
  perSecond: number
}

/** What may be in a window now, after the 429s there were. */
function limitNow(db: Db, perSecond: number) {
  return sql`least(${perSecond}::float8, coalesce(lowered_to + ${perSecond * CLIMB_PER_SECOND}::float8
    * extract(epoch from ${db.now} - lowered_at)::float8, ${perSecond}::float8))`
}

/** Its commit does not wait for the disk: a database that crashes forgets a second of the pace, no more. */
export async function takeSlot(db: Db, ask: Ask): Promise<Slot> {
  const isDirect = ask.lane === 'direct'
  const limit = limitNow(db, ask.perSecond)
  const inWindow = sql`unnest(recent_at, recent_n) as r (at, n) where at > ${db.now} - ${seconds(WINDOW_SECONDS)}`
  // A request larger than the limit goes alone.
  const fits = sql`(select coalesce(sum(n), 0) = 0 or sum(n) + ${ask.recipients}::int <= ${limit} from ${inWindow})`
  const mayGo = isDirect ? sql`true` : sql`next_at <= ${db.now} and direct_until <= ${db.now}`
  const [slot] = await db.rows<Slot>(sql`
    with taken as (
      update ${db.t.pace} set ${entered(db, ask)}, ${isDirect ? directTaken(db, ask) : broadcastTaken(db, ask, limit)}
      where project = ${ask.project} and hold_until <= ${db.now} and ${mayGo} and ${fits}
      returning recent_at[cardinality(recent_at)] as at),
    marked as (
      update ${db.t.pace} set direct_until = ${db.now} + ${seconds(DIRECT_MARK_SECONDS)}
      where project = ${ask.project} and ${isDirect}::bool and not ${fits}
      returning project)
    select (select at::text from taken) as at, set_config('synchronous_commit', 'off', true),
      (extract(epoch from greatest(hold_until, ${isDirect ? sql`hold_until` : sql`greatest(next_at, direct_until)`},
        (select max(at) + ${seconds(WINDOW_SECONDS)} from (
          select at, sum(n) over (order by at desc) as newer from ${inWindow}) w
          where newer + ${ask.recipients}::int > ${limit})) - ${db.now}) * 1000)::float8 as "waitMs"
    from ${db.t.pace} where project = ${ask.project}`)
  if (slot) return { at: slot.at, waitMs: slot.waitMs }
  await sql`insert into ${db.t.pace} (project) values (${ask.project}) on conflict do nothing`.execute(db.kysely)
  return { at: null, waitMs: 0 }
}

/** A request was held up after it had taken its slot, and now counts from when it left. Does not wait for the disk either. */
export async function leftLate(db: Db, left: Pick<Ask, 'project' | 'recipients'> & { slotAt: string; lateMs: number }) {
  const slotAt = sql`${left.slotAt}::timestamptz`
  const leftAt = sql`${slotAt} + ${seconds(left.lateMs / 1_000)}`
  const entries = sql`(
    select case when ${inOneBin(sql`at`, slotAt)} then ${leftAt} else at end as at, n from unnest(recent_at, recent_n) as r (at, n)
    union all
    select ${leftAt}, ${left.recipients}::int
    where not exists (select from unnest(recent_at) as at where ${inOneBin(sql`at`, slotAt)})) e`
  await sql`
    with told as (
      update ${db.t.pace} set recent_at = array(select at from ${entries} order by at),
        recent_n = array(select n from ${entries} order by at)
      where project = ${left.project}
      returning project)
    select set_config('synchronous_commit', 'off', true) from told`.execute(db.kysely)
}

/** Sendings of the same hundredth of a second are one entry, so that the row stays small at any rate. */
const inOneBin = (one: ReturnType<typeof sql>, other: ReturnType<typeof sql>) =>
  sql`date_bin('10 ms', ${one}, timestamptz 'epoch') = date_bin('10 ms', ${other}, timestamptz 'epoch')`

/** The window without what has left it, and with this request. */
function entered(db: Db, { recipients }: Ask) {
  const young = sql`at > ${db.now} - ${seconds(WINDOW_SECONDS)}`
  const merged = inOneBin(sql`at`, sql`${db.now}`)
  return sql`
    recent_at = array(select at from unnest(recent_at) as at where ${young} and not ${merged} order by at) || ${db.now},
    recent_n = array(select n from unnest(recent_at, recent_n) as r (at, n) where ${young} and not ${merged} order by at)
      || (${recipients}::int + (select coalesce(sum(n), 0)::int from unnest(recent_at, recent_n) as r (at, n) where ${merged}))`
}

function directTaken(db: Db, { recipients }: Ask) {
  return sql`direct_until = ${db.now}, direct_at = ${db.now},
    direct_rate = ${rateNow(db)} + ${recipients}::float8 / ${DIRECT_MEMORY_SECONDS}::float8`
}

/** What is left of `direct_rate`: it fades by the factor e each `DIRECT_MEMORY_SECONDS`. */
const rateNow = (db: Db) => sql`
  direct_rate * exp(-least(60, extract(epoch from ${db.now} - direct_at)::float8 / ${DIRECT_MEMORY_SECONDS}::float8))`

function broadcastTaken(db: Db, { recipients }: Ask, limit: ReturnType<typeof sql>) {
  return sql`next_at = greatest(next_at, ${db.now} - ${seconds(CREDIT_SECONDS)})
    + make_interval(secs => ${recipients * SPREAD_SECONDS}::float8 / ${limit})`
}

/** Expo said 429: nobody sends for a while, then slower. */
export async function lowerPace(db: Db, project: string, perSecond: number, holdMs: number): Promise<void> {
  await sql`
    update ${db.t.pace} set
      hold_until = greatest(hold_until, ${db.now} + ${seconds(holdMs / 1000)}),
      lowered_to = greatest(${LOWEST_PER_SECOND}::real, ${limitNow(db, perSecond)}::real * ${LOWER_FACTOR}::real),
      lowered_at = ${db.now}
    where project = ${project}`.execute(db.kysely)
}

/** @returns how many direct recipients a second there are lately, of all processes together. */
export async function directRate(db: Db, project: string): Promise<number> {
  const [row] = await db.rows<{ rate: number }>(sql`
    select ${rateNow(db)} as rate from ${db.t.pace} where project = ${project}`)
  return row?.rate ?? 0
}

/** What is due is tried at most this long after its breaker is half open. */
const TRIED_WITHIN_SECONDS = 60
const isTried = (db: Db) => sql`coalesce(breaker_until > ${db.now} - ${seconds(TRIED_WITHIN_SECONDS)}, false)`

/** Apps name their projects themselves: only so many are looked at, those that were sent to last. */
const MOST_PROJECTS = 20

/** @param perSecond as configured; 0: no limit. */
export async function readPaces(
  db: Db,
  perSecond: number,
): Promise<{ project: string; limit: number; sent: number; open: boolean }[]> {
  return db.rows(sql`
    select project, ${limitNow(db, perSecond)}::float8 as "limit", ${isTried(db)} as open,
      (select coalesce(sum(n), 0) from unnest(recent_at, recent_n) as r (at, n)
        where at > ${db.now} - ${seconds(1)})::float8 as sent
    from ${db.t.pace}
    order by breaker_until is null, greatest(next_at, direct_at) desc limit ${MOST_PROJECTS}::int`)
}

/** What keeps a project's requests back, for every process to see. */
export interface OpenBreaker {
  project: string
  reason: string
  remainingMs: number
  /** Half open and not tried, it keeps nothing back: nothing is due. */
  isTried: boolean
}

export async function findOpenBreakers(db: Db): Promise<OpenBreaker[]> {
  return db.rows<OpenBreaker>(sql`
    select project, breaker_reason as reason,
      greatest(0, extract(epoch from breaker_until - ${db.now}) * 1000)::float8 as "remainingMs",
      ${isTried(db)} as "isTried"
    from ${db.t.pace} where breaker_until is not null`)
}

/** Each opening in a row doubles the wait, from `baseMs` up to `maxMs`. @returns for how long it is open now. */
export async function openBreaker(
  db: Db,
  project: string,
  reason: string,
  baseMs: number,
  maxMs: number,
): Promise<number> {
  const [row] = await db.rows<{ ms: number }>(sql`
    insert into ${db.t.pace} as p (project, breaker_until, breaker_reason, breaker_opens)
    values (${project}, ${db.now} + ${seconds(baseMs / 1_000)}, ${reason}, 1)
    on conflict (project) do update set
      breaker_reason = excluded.breaker_reason, breaker_opens = p.breaker_opens + 1,
      breaker_until = ${db.now} + make_interval(secs => least(${maxMs / 1000}::float8, ${baseMs / 1000}::float8 * 2 ^ least(p.breaker_opens, 16)))
    returning (extract(epoch from breaker_until - ${db.now}) * 1000)::float8 as ms`)
  return row?.ms ?? baseMs
}

/** Half open: exactly one asker among all processes may try, for `probeMs`. */
export async function claimProbe(db: Db, project: string, probeMs: number): Promise<boolean> {
  const rows = await db.rows(sql`
    update ${db.t.pace} set breaker_until = ${db.now} + ${seconds(probeMs / 1_000)}
    where project = ${project} and breaker_until is not null and breaker_until <= ${db.now}
    returning project`)
  return rows.length > 0
}

export async function closeBreaker(db: Db, project: string): Promise<void> {
  await sql`
    update ${db.t.pace} set breaker_until = null, breaker_reason = null, breaker_opens = 0
    where project = ${project}`.execute(db.kysely)
}
