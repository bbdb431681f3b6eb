/**
 * A person's hand on a notification that is being sent. The state is changed first, and whoever is about to send looks
 * at it in the same statement that saves the intent: what was not begun by then will not be.
 */
import { sql } from 'kysely'
import { RESULT } from '../../domain/answers/result.ts'
import type { NotificationState } from '../../domain/notification.ts'
import type { Db } from '../database/db.ts'
import { type Actor, audit } from '../operator/audit.ts'
import type { QueueData, QueueName } from '../schema/jobs.ts'

/** @returns the state it has now; undefined: there is none. One that has ended stays as it ended. */
export async function pauseNotification(
  db: Db,
  id: string,
  by: Actor = 'system',
): Promise<NotificationState | undefined> {
  return db.transaction(async (tx) => {
    const paused = await tx.rows(sql`
      update ${tx.t.notifications} set state = 'paused', paused_at = ${tx.now}
      where id = ${id} and state in ('queued', 'sending') returning id`)
    if (paused.length > 0) await audit(tx, { actor: by, action: 'notification.pause', subject: `notification:${id}` })
    return stateOf(tx, id)
  })
}

/** Its time to live stood still while it was paused. What was parked goes back into the queue in the same transaction. */
export async function resumeNotification(
  db: Db,
  id: string,
  by: Actor = 'system',
): Promise<NotificationState | undefined> {
  return db.transaction(async (tx) => {
    const resumed = await tx.rows(sql`
      update ${tx.t.notifications} set
        state = case when lane = 'broadcast' and page > 0 then 'sending' else 'queued' end,
        expires_at = expires_at + (${tx.now} - paused_at), paused_at = null
      where id = ${id} and state = 'paused' returning id`)
    if (resumed.length > 0) {
      await unpark(tx, [id])
      await audit(tx, { actor: by, action: 'notification.resume', subject: `notification:${id}` })
    }
    await finishIfDone(tx, id)
    return stateOf(tx, id)
  })
}

/**
 * What is planned and was certainly not sent is cancelled at once; requests under way finish, and count as what they were. What is parked goes
 * back into the queue: who takes it from there closes the rest, of which requests may have left.
 */
export async function cancelNotification(
  db: Db,
  id: string,
  by: Actor = 'system',
): Promise<NotificationState | undefined> {
  return db.transaction(async (tx) => {
    if ((await cancelAll(tx, [id])) > 0)
      await audit(tx, { actor: by, action: 'notification.cancel', subject: `notification:${id}` })
    return stateOf(tx, id)
  })
}

/** Those of them that have not ended. @returns how many. */
export async function cancelAll(tx: Db, ids: string[]): Promise<number> {
  const cancelled = await tx.rows<{ id: string }>(sql`
    update ${tx.t.notifications} set state = 'cancelled', finished_at = ${tx.now}, postponed = null
    where id = any(${ids}::uuid[]) and state in ('queued', 'sending', 'paused') returning id`)
  if (cancelled.length === 0) return 0
  const ended = cancelled.map((one) => one.id)
  await unpark(tx, ended)
  await sql`
    update ${tx.t.deliveries} set state = 2, settled_at = ${tx.now}, cancelled = recipients,
      results = array_fill(${RESULT.cancelled}::smallint, array[recipients::int])
    where notification_id = any(${ended}::uuid[]) and state = 0 and ambiguous + deaths = 0`.execute(tx.kysely)
  return cancelled.length
}

async function unpark(tx: Db, ids: string[]): Promise<void> {
  const parked = await tx.rows<{ queue: QueueName; data: QueueData[QueueName] }>(sql`
    delete from ${tx.t.parked} where notification_id = any(${ids}::uuid[]) returning queue, data`)
  const byQueue = Map.groupBy(parked, (one) => one.queue)
  for (const [queue, rows] of byQueue)
    await tx.enqueue(
      queue,
      rows.map((one) => one.data),
    )
}

/** Its last chunk may have been finished while it was paused. */
async function finishIfDone(tx: Db, id: string): Promise<void> {
  await sql`
    update ${tx.t.notifications} set state = 'finished', finished_at = ${tx.now}
    where id = ${id} and state = 'sending' and fan_out_done and chunks_done = chunks`.execute(tx.kysely)
}

async function stateOf(db: Db, id: string): Promise<NotificationState | undefined> {
  const row = await db.kysely.selectFrom('notifications').select('state').where('id', '=', id).executeTakeFirst()
  return row?.state
}
