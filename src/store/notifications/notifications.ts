/** Notifications: written with their work in one transaction, moved on by named changes that repeat their guard. */
import { sql } from 'kysely'
import { all } from '../../domain/all.ts'
import type { Audience, Content, NotificationKind, NotificationState, SkipReason } from '../../domain/notification.ts'
import type { Lane, Span } from '../../ports.ts'
import type { Db } from '../database/db.ts'

export interface NewNotification {
  id: string
  kind: NotificationKind
  lane: Lane
  audience: Audience
  content: Content
  createdBy: string | null
  ttlSeconds: number
  onUnknown?: 'repeat' | 'drop'
  /** Not before this time; its time to live begins then. */
  sendAt?: Date
  /** The span that asked for it, as a traceparent; its work goes on from there. */
  trace?: string | undefined
}

/** What delivery needs to know of one. */
export interface Notification {
  id: string
  kind: NotificationKind
  lane: Lane
  audience: Audience
  content: Content
  on_unknown: 'repeat' | 'drop'
  state: NotificationState
  postponed: string | null
  /** How long it may still be sent, when it was read; none: it has expired. While it is paused, its time stands still. */
  left_ms: number
  /** Chunks that are cut, and not done. */
  chunks_open: number
  /** While it is worked on: the span of that work, if there are traces. */
  span?: Span
}

/** Inside the transaction that writes what it is about: a notification exists if and only if its work does. */
export async function insertNotification(tx: Db, n: NewNotification): Promise<void> {
  if (n.sendAt) await enqueueWork(tx, n, await insertRow(tx, n))
  else await all([insertRow(tx, n), enqueueWork(tx, n, 0)])
}

/** @returns how long it is until its time. */
async function insertRow(tx: Db, n: NewNotification): Promise<number> {
  const sendAt = sql`${n.sendAt?.toISOString() ?? null}::timestamptz`
  const [row] = await tx.rows<{ waitMs: number }>(sql`
    insert into ${tx.t.notifications} (id, kind, lane, audience, content, created_by, on_unknown, send_at, expires_at, max_token_id)
    values (${n.id}, ${n.kind}, ${n.lane}, ${JSON.stringify(n.audience)}::jsonb, ${JSON.stringify(n.content)}::jsonb,
      ${n.createdBy}, ${n.onUnknown ?? 'repeat'}, ${sendAt},
      greatest(${tx.now}, ${sendAt}) + make_interval(secs => ${n.ttlSeconds}),
      (select coalesce(max(id), 0) from ${tx.t.push_tokens}))
    returning coalesce(greatest(0, extract(epoch from send_at - ${tx.now}) * 1000), 0)::float8 as "waitMs"`)
  return row?.waitMs ?? 0
}

async function enqueueWork(tx: Db, n: NewNotification, afterMs: number): Promise<void> {
  const work = { notificationId: n.id, ...(n.trace !== undefined && { trace: n.trace }) }
  if (n.lane === 'broadcast') await tx.enqueue('fan-out', [{ ...work, page: 0 }], afterMs)
  else await tx.enqueue('send-direct', [{ ...work, tries: 0 }], afterMs)
}

/** Of notifications `n`. */
export const notificationColumns = (db: Db) => sql`
  n.id, n.kind, n.lane, n.audience, n.content, n.on_unknown, n.state, n.postponed,
  greatest(0, extract(epoch from n.expires_at - coalesce(n.paused_at, ${db.now})) * 1000)::float8 as left_ms, n.chunks - n.chunks_done as chunks_open`

export async function loadNotification(db: Db, id: string): Promise<Notification | undefined> {
  const [row] = await db.rows<Notification>(sql`
    select ${notificationColumns(db)} from ${db.t.notifications} n where n.id = ${id}`)
  return row
}

export async function notificationState(
  db: Db,
  id: string,
): Promise<{ state: NotificationState; skipReason: SkipReason | null; postponed: string | null } | undefined> {
  return db.kysely
    .selectFrom('notifications')
    .select(['state', 'skip_reason as skipReason', 'postponed'])
    .where('id', '=', id)
    .executeTakeFirst()
}

/** Why it waits just now; null: it moves again. */
export async function setPostponed(db: Db, ids: string[], reason: string | null): Promise<void> {
  await sql`
    update ${db.t.notifications} set postponed = ${reason}
    where id = any(${ids}::uuid[]) and postponed is distinct from ${reason}`.execute(db.kysely)
}

export interface Ended {
  lane: Lane
  state: NotificationState
  skipReason: SkipReason | null
}

/** Nothing of it is left to send. What was cancelled, or has expired, stays so. @returns those that ended just now. */
export async function finishNotifications(
  db: Db,
  finished: { id: string; skipReason: SkipReason | null; state?: 'finished' | 'expired' }[],
): Promise<Ended[]> {
  return db.rows<Ended>(sql`
    update ${db.t.notifications} n
    set state = done.state, skip_reason = done.skip_reason, postponed = null, finished_at = ${db.now}
    from unnest(${finished.map((one) => one.id)}::uuid[], ${finished.map((one) => one.skipReason)}::text[],
      ${finished.map((one) => one.state ?? 'finished')}::text[]) as done (id, skip_reason, state)
    where n.id = done.id and n.state in ('queued', 'sending', 'paused')
    returning n.lane, n.state, n.skip_reason as "skipReason"`)
}

/**
 * So many more chunks are done; with the last one of a fan-out that is done, so is the notification.
 * @param ids of their notifications, one for each chunk. @returns those that have ended so.
 */
export async function finishChunks(db: Db, ids: string[]): Promise<Ended[]> {
  const rows = await db.rows<Ended & { last: boolean }>(sql`
    update ${db.t.notifications} n set
      chunks_done = chunks_done + c.done,
      state = case when state = 'sending' and fan_out_done and chunks_done + c.done = chunks then 'finished' else state end,
      finished_at = case when fan_out_done and chunks_done + c.done = chunks then ${db.now} else finished_at end,
      postponed = null
    from (select id, count(*)::int as done from unnest(${ids}::uuid[]) as id group by id) c
    where n.id = c.id
    returning n.lane, n.state, n.skip_reason as "skipReason",
      n.fan_out_done and n.chunks_done = n.chunks and n.state = 'finished' as last`)
  return rows.filter((row) => row.last).map(({ lane, state, skipReason }) => ({ lane, state, skipReason }))
}
