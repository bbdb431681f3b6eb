/** What is going on at this moment, over all processes: read from the ledger and the queue, never from memory. */
import { sql } from 'kysely'
import type { Lane } from '../../ports.ts'
import type { Db } from '../database/db.ts'

/** What Expo answered in one second, by lane. */
export interface Second {
  at: number
  direct: number
  broadcast: number
}

/** The newest deliveries hold what is being sent now; what was put off long ago and goes on now is missed in the chart. */
const NEWEST = 4_000

export async function sentLately(db: Db, seconds: number, newest = NEWEST): Promise<Second[]> {
  return db.rows<Second>(sql`
    select extract(epoch from date_trunc('second', d.settled_at))::float8 as at,
      coalesce(sum(d.recipients - d.skipped) filter (where n.lane = 'direct'), 0)::bigint as direct,
      coalesce(sum(d.recipients - d.skipped) filter (where n.lane = 'broadcast'), 0)::bigint as broadcast
    from (select notification_id, recipients, skipped, sent_at, settled_at from ${db.t.deliveries}
      order by id desc limit ${newest}::int) d
    join ${db.t.notifications} n on n.id = d.notification_id
    where d.settled_at > ${db.now} - make_interval(secs => ${seconds}) and d.sent_at is not null
    group by 1 order by 1`)
}

/** Requests from their saved intent to their saved answer: up to two for each connection, one of which waits for its turn. */
export async function inFlight(db: Db): Promise<Record<Lane, number>> {
  const rows = await db.rows<{ lane: Lane; count: number }>(sql`
    select n.lane, count(*) as count
    from (select notification_id, state from ${db.t.deliveries} order by id desc limit ${NEWEST}::int) d
    join ${db.t.notifications} n on n.id = d.notification_id
    where d.state = 1 group by 1`)
  const of = (lane: Lane) => rows.find((row) => row.lane === lane)?.count ?? 0
  return { direct: of('direct'), broadcast: of('broadcast') }
}

export interface Waiting {
  id: string
  title: string | null
  lane: Lane
  state: string
  postponed: string | null
  scheduled: boolean
}

/** Notifications that are not at their end, and why they wait, if they do. */
export async function underWay(db: Db): Promise<Waiting[]> {
  return db.rows<Waiting>(sql`
    select id, content ->> 'title' as title, lane, state, postponed,
      state = 'queued' and coalesce(send_at > ${db.now}, false) as scheduled
    from ${db.t.notifications}
    where state in ('queued', 'sending', 'paused') order by id desc limit 20`)
}

export interface LastError {
  at: Date
  code: string | null
  stage: string
  message: string
  notification_id: string
  count: number
}

/** Of the newest refusals, one for each code. */
export async function lastErrors(db: Db): Promise<LastError[]> {
  return db.rows<LastError>(sql`
    select max(at) as at, code, stage, (array_agg(message order by id desc))[1] as message,
      (array_agg(notification_id order by id desc))[1] as notification_id, count(*) as count
    from (select * from ${db.t.refusals} order by id desc limit 500) r
    group by code, stage order by 1 desc limit 8`)
}
