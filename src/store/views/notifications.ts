/** Notifications as the people who send them look at them: newest first, by keyset; or one, with all that is known. */
import { sql } from 'kysely'
import type { Audience, Content, NotificationKind, NotificationState, SkipReason } from '../../domain/notification.ts'
import type { Lane } from '../../ports.ts'
import type { Db } from '../database/db.ts'

export interface NotificationRow {
  id: string
  kind: NotificationKind
  lane: Lane
  audience: Audience
  content: Content
  created_by: string | null
  created_at: Date
  send_at: Date | null
  expires_at: Date
  state: NotificationState
  skip_reason: SkipReason | null
  postponed: string | null
  estimated: number | null
  finished_at: Date | null
  /** Waits for its time. */
  scheduled: boolean
}

const columns = sql`id, kind, lane, audience, content, created_by, created_at, send_at, expires_at, state, skip_reason,
  postponed, estimated, finished_at`

export interface Page {
  limit: number
  /** The id of the last one of the page before. */
  before?: string
  lane?: Lane
  state?: NotificationState
  createdBy?: string
}

export async function listNotifications(db: Db, page: Page): Promise<NotificationRow[]> {
  const and = [
    page.before === undefined ? undefined : sql`and id < ${page.before}::uuid`,
    // Written out, as the indexes have them written out.
    page.lane === undefined ? undefined : sql`and lane = ${sql.lit(page.lane)}`,
    page.state === undefined ? undefined : sql`and state = ${sql.lit(page.state)}`,
    page.createdBy === undefined ? undefined : sql`and created_by = ${page.createdBy}`,
  ].filter((one) => one !== undefined)
  return db.rows<NotificationRow>(sql`
    select ${columns}, state = 'queued' and coalesce(send_at > ${db.now}, false) as scheduled from ${db.t.notifications}
    where true ${sql.join(and, sql` `)} order by id desc limit ${page.limit}::int`)
}

export async function findNotification(db: Db, id: string): Promise<NotificationRow | undefined> {
  const [row] = await db.rows<NotificationRow>(sql`
    select ${columns}, state = 'queued' and coalesce(send_at > ${db.now}, false) as scheduled
    from ${db.t.notifications} where id = ${id}`)
  return row
}

export async function countOpened(db: Db, id: string): Promise<number> {
  const [row] = await db.rows<{ opened: number }>(sql`
    select count(*) as opened from ${db.t.opens} where notification_id = ${id}`)
  return row?.opened ?? 0
}

/** Of a broadcast only its newest chunks are looked at: what is sent now is there. */
const NEWEST_DELIVERIES = 2_000
const RATE_SECONDS = 10

/** Devices a second, settled in the last seconds. */
export async function recentRate(db: Db, id: string): Promise<number> {
  const [row] = await db.rows<{ rate: number }>(sql`
    select (coalesce(sum(recipients), 0) / greatest(1, least(${RATE_SECONDS},
      extract(epoch from ${db.now} - min(sent_at)))))::float8 as rate
    from (select recipients, sent_at, settled_at from ${db.t.deliveries} where notification_id = ${id}
      order by chunk desc limit ${NEWEST_DELIVERIES}::int) d
    where settled_at > ${db.now} - make_interval(secs => ${RATE_SECONDS}) and sent_at is not null`)
  return row?.rate ?? 0
}
