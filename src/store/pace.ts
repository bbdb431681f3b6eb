/**
 * Expo's limit, shared by all processes: one row a project. A slot is taken only when it is free, nothing is reserved
 * ahead; a direct request that waits marks the row, and broadcasts yield.
 */
import { sql } from 'kysely'
import type { Lane } from '../ports.ts'
import type { Db } from './db.ts'

/** A lateness of up to this much is made up for, so that timers do not cost throughput. */
const CREDIT_MS = 5
/** How long a waiting direct request keeps broadcasts away; it asks again sooner than that. */
const DIRECT_MARK_MS = 250
/** After a 429 the pace climbs back by this share of the configured rate each second. */
const CLIMB_PER_SECOND = 0.02
/** How far one 429 lowers the pace, and where lowering ends. */
const LOWER_FACTOR = 0.7
const LOWEST_PER_SECOND = 20

export interface Slot {
  taken: boolean
  /** When not taken: how long until asking again is worth it. */
  waitMs: number
}

/** @param perSecond recipients a second, above 0. */
export async function takeSlot(
  db: Db,
  ask: { project: string; lane: Lane; recipients: number; perSecond: number },
): Promise<Slot> {
  const rate = sql`least(${ask.perSecond}::float8, coalesce(lowered_to +
    ${ask.perSecond * CLIMB_PER_SECOND}::float8 * extract(epoch from ${db.now} - lowered_at)::float8, ${ask.perSecond}::float8))`
  const [slot] = await db.rows<{ taken: boolean; waitMs: number }>(sql`
    with taken as (
      update ${db.t.pace} set next_at =
        greatest(next_at, ${db.now} - make_interval(secs => ${CREDIT_MS / 1000}))
          + make_interval(secs => ${ask.recipients}::float8 / ${rate})
      where project = ${ask.project} and next_at <= ${db.now} and (${ask.lane} = 'direct' or direct_until <= ${db.now})
      returning project),
    marked as (
      update ${db.t.pace} set direct_until = ${db.now} + make_interval(secs => ${DIRECT_MARK_MS / 1000})
      where project = ${ask.project} and next_at > ${db.now} and ${ask.lane} = 'direct'
      returning project)
    select exists (select from taken) as taken,
      (extract(epoch from greatest(next_at, case when ${ask.lane} = 'direct' then next_at else direct_until end) - ${db.now}) * 1000)::float8 as "waitMs"
    from ${db.t.pace} where project = ${ask.project}`)
  if (slot) return slot
  await sql`insert into ${db.t.pace} (project) values (${ask.project}) on conflict do nothing`.execute(db.kysely)
  return { taken: false, waitMs: 0 }
}

/** Expo said 429: nobody sends for a while, then slower. */
export async function lowerPace(db: Db, project: string, perSecond: number, holdMs: number): Promise<void> {
  await sql`
    update ${db.t.pace} set
      next_at = greatest(next_at, ${db.now} + make_interval(secs => ${holdMs / 1000})),
      lowered_to = greatest(${LOWEST_PER_SECOND}::real, least(coalesce(lowered_to, ${perSecond}::real), ${perSecond}::real) * ${LOWER_FACTOR}::real),
      lowered_at = ${db.now}
    where project = ${project}`.execute(db.kysely)
}

/** What keeps a project's requests back, for every process to see. */
export interface OpenBreaker {
  project: string
  reason: string
  remainingMs: number
}

export async function findOpenBreakers(db: Db): Promise<OpenBreaker[]> {
  return db.rows<OpenBreaker>(sql`
    select project, breaker_reason as reason,
      greatest(0, extract(epoch from breaker_until - ${db.now}) * 1000)::float8 as "remainingMs"
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
    values (${project}, ${db.now} + make_interval(secs => ${baseMs / 1000}), ${reason}, 1)
    on conflict (project) do update set
      breaker_reason = excluded.breaker_reason, breaker_opens = p.breaker_opens + 1,
      breaker_until = ${db.now} + make_interval(secs => least(${maxMs / 1000}::float8, ${baseMs / 1000}::float8 * 2 ^ least(p.breaker_opens, 16)))
    returning (extract(epoch from breaker_until - ${db.now}) * 1000)::float8 as ms`)
  return row?.ms ?? baseMs
}

/** Half open: exactly one asker among all processes may try, for `probeMs`. */
export async function claimProbe(db: Db, project: string, probeMs: number): Promise<boolean> {
  const rows = await db.rows(sql`
    update ${db.t.pace} set breaker_until = ${db.now} + make_interval(secs => ${probeMs / 1000})
    where project = ${project} and breaker_until is not null and breaker_until <= ${db.now}
    returning project`)
  return rows.length > 0
}

export async function closeBreaker(db: Db, project: string): Promise<void> {
  await sql`
    update ${db.t.pace} set breaker_until = null, breaker_reason = null, breaker_opens = 0
    where project = ${project}`.execute(db.kysely)
}
