/** Finding people and their devices, and how the devices came to be as they are. */
import { sql } from 'kysely'
import type { NotificationKind, NotificationState } from '../../domain/notification.ts'
import type { Platform } from '../../domain/platform.ts'
import type { Lane } from '../../ports.ts'
import { beginsWith, type Db } from '../database/db.ts'
import { chunkOf } from '../ledger/ledger.ts'
import type { TokenEvent } from '../schema/tables.ts'
import type { PushTokenRow } from '../tokens/push-tokens.ts'

export interface Found {
  user_id: string
  name: string | null
  /** The push token that was asked for. */
  push_token: string | null
  devices: number
}

const MOST_FOUND = 20

/**
 * By the beginning of an id, a name or a push token, with or without its `ExponentPushToken[`; in the order of what
 * begins so. @returns the first of them, and whether there may be more.
 */
export async function searchPeople(db: Db, text: string): Promise<{ people: Found[]; more: boolean }> {
  const most = MOST_FOUND + 1
  const begins = (column: ReturnType<typeof sql>, with_: string) =>
    sql`${beginsWith(column, with_)} order by ${column} using ~<~ limit ${most}`
  const byToken = [text, `ExponentPushToken[${text}`, `ExpoPushToken[${text}`].map((one) => {
    return sql`(select ${one}, user_id, token, token from ${db.t.push_tokens} where ${begins(sql`token`, one)})`
  })
  const rows = await db.rows<Found & { full: boolean }>(sql`
    with found (by, user_id, token, place) as (
      (select 'id', id, null::text, id from ${db.t.users} where ${begins(sql`id`, text)})
      union all
      (select 'name', id, null, lower(name) from ${db.t.users}
        where name is not null and ${begins(sql`lower(name)`, text.toLowerCase())})
      union all ${sql.join(byToken, sql` union all `)}),
    people as (
      select user_id, max(token) as token, min(place collate "C") as place from found
      group by user_id order by place, user_id limit ${most})
    select p.user_id, u.name, p.token as push_token,
      (select count(*) from ${db.t.push_tokens} d where d.user_id = p.user_id and d.active) as devices,
      -- Perhaps with many push tokens of one person.
      exists (select from found group by by having count(*) > ${MOST_FOUND}) as full
    from people p join ${db.t.users} u on u.id = p.user_id order by p.place, p.user_id`)
  const people = rows.slice(0, MOST_FOUND).map(({ full: _, ...one }) => one)
  return { people, more: rows.length > people.length || rows.some((row) => row.full) }
}

export type Device = PushTokenRow & { history: DeviceEvent[] }

export interface DeviceEvent {
  push_token_id: number
  at: Date
  kind: TokenEvent
  user_id: string | null
  from_user_id: string | null
  detail: string | null
}

/** Every device of the user, those that are gone included. */
export async function devicesOfUser(db: Db, userId: string): Promise<PushTokenRow[]> {
  return db.rows<PushTokenRow>(sql`
    select id, token, device_type, installation_id, project, locale, time_zone, app_version, active, inactive_reason,
      inactive_at, created_at, updated_at
    from ${db.t.push_tokens} where user_id = ${userId} order by active desc, id desc limit 200`)
}

/** What happened to these devices, and to those that left this user for another; oldest first. */
export async function deviceHistory(db: Db, userId: string, tokenIds: number[]): Promise<DeviceEvent[]> {
  return db.rows<DeviceEvent>(sql`
    select push_token_id, at, kind, user_id, from_user_id, detail from (
      select * from ${db.t.token_events} where push_token_id = any(${tokenIds}::bigint[])
      union select * from ${db.t.token_events} where from_user_id = ${userId}) e
    order by id limit 1000`)
}

export interface RecentRow {
  id: string
  kind: NotificationKind
  lane: Lane
  state: NotificationState
  title: string | null
  created_at: Date
  /** One for each of the user's devices that the notification's ledger knows. */
  devices: { device_type: Platform | null; result: number; skip_reason: string | null }[]
}

const MOST_RECENT = 15

/** The last broadcasts and the last notifications that named this user, and what came of them on their devices. */
export async function recentFor(db: Db, userId: string): Promise<RecentRow[]> {
  return db.rows<RecentRow>(sql`
    with recent as (
      (select id, kind, lane, state, content, created_at from ${db.t.notifications} where lane = 'broadcast'
        order by id desc limit ${MOST_RECENT})
      union all
      -- In brackets of its own, so that they are found by whom they name, and not the newest of all looked through for them.
      (select id, kind, lane, state, content, created_at from (select * from ${db.t.notifications} where lane = 'direct'
        and audience -> 'users' @> jsonb_build_array(${userId}::text) offset 0) theirs order by id desc limit ${MOST_RECENT}))
    select n.id, n.kind, n.lane, n.state, n.content ->> 'title' as title, n.created_at, coalesce((
      select json_agg(json_build_object('device_type', p.device_type, 'skip_reason', d.skip_reason,
        'result', coalesce(d.results[array_position(d.token_ids, p.id)], 0)))
      from ${db.t.push_tokens} p join ${db.t.deliveries} d
        on d.notification_id = n.id and d.chunk = case when n.lane = 'direct' then 0 else ${chunkOf(db, sql`n.id`, sql`p.id`)} end
        and not d.late and p.id = any(d.token_ids)
      where p.user_id = ${userId}), '[]') as devices
    from recent n order by n.id desc`)
}
