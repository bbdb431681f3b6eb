/** How it goes, in a few numbers, for monitoring. Each statement's cost is bounded, however much there is. */
import { sql } from 'kysely'
import type { Lane } from '../../ports.ts'
import type { Db } from '../database/db.ts'
import type { AlarmKind } from '../schema/tables.ts'

/** No more of what is open is looked at: a queue that is longer still would not change what is said. */
const MOST_DIRECT = 10_000
const MOST_BROADCASTS = 100
/** The newest chunks of a broadcast tell when it last moved. */
const NEWEST_DELIVERIES = 500

/**
 * Seconds that the oldest due notification waits: a direct one since it was due, a broadcast since it was due or last
 * moved on, for a large one takes its time. What is paused or scheduled for later does not wait.
 */
export async function laneLags(db: Db): Promise<Record<Lane, number>> {
  const due = sql`greatest(created_at, coalesce(send_at, created_at))`
  const [lags] = await db.rows<Record<Lane, number>>(sql`
    with direct as (
      select ${due} as since from ${db.t.notifications}
      where state in ('queued', 'sending') and lane = 'direct' order by id limit ${MOST_DIRECT}::int),
    broadcast as (
      select ${due} as since, id from ${db.t.notifications}
      where state in ('queued', 'sending') and lane = 'broadcast' order by id limit ${MOST_BROADCASTS}::int),
    moved as (
      select greatest(b.since, (select max(settled_at) from (
        select settled_at from ${db.t.deliveries} where notification_id = b.id
        order by chunk desc limit ${NEWEST_DELIVERIES}::int) d)) as since from broadcast b)
    select
      coalesce(extract(epoch from ${db.now} - (select min(since) from direct where since <= ${db.now})), 0)::float8 as direct,
      coalesce(extract(epoch from ${db.now} - (select min(since) from moved where since <= ${db.now})), 0)::float8 as broadcast`)
  return lags ?? { direct: 0, broadcast: 0 }
}

export async function openNotificationCounts(db: Db): Promise<{ lane: Lane; state: string; count: number }[]> {
  return db.rows(sql`
    select lane, case when state = 'queued' and send_at > ${db.now} then 'scheduled' else state end as state,
      count(*) as count
    from (select lane, state, send_at from ${db.t.notifications}
      where state in ('queued', 'sending', 'paused') order by id limit ${MOST_DIRECT}::int) n
    group by 1, 2`)
}

export async function openAlarmCounts(db: Db): Promise<{ kind: AlarmKind; count: number }[]> {
  return db.rows(sql`
    select kinds.kind, count(a.id) as count
    from unnest(array['flood', 'credentials']) as kinds (kind)
    left join ${db.t.alarms} a on a.kind = kinds.kind and a.resolved_at is null
    group by 1`)
}

export interface TokenCount {
  platform: string
  state: string
  count: number
}

export async function lastTokenId(db: Db): Promise<number> {
  const [row] = await db.rows<{ last: number | null }>(sql`select max(id) as last from ${db.t.push_tokens}`)
  return row?.last ?? 0
}

/** Of the ids above `from`, up to `to`. */
export async function countTokens(db: Db, from: number, to: number): Promise<TokenCount[]> {
  return db.rows<TokenCount>(sql`
    select coalesce(device_type, 'unknown') as platform,
      case coalesce(inactive_reason, 'active') when 'DeviceNotRegistered' then 'retired'
        when 'InvalidCredentials' then 'suspended' else coalesce(inactive_reason, 'active') end as state,
      count(*) as count
    from ${db.t.push_tokens} where id > ${from} and id <= ${to} group by 1, 2`)
}
