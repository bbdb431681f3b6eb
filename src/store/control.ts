/**
 * A person's hand on a notification that is being sent. The state is changed first, and whoever is about to send looks
 * at it in the same statement that saves the intent: what was not begun by then will not be.
 */
import { sql } from 'kysely'
import { RESULT } from '../domain/result.ts'
import type { NotificationState } from '../domain/notification.ts'
import type { Db } from './db.ts'
import type { QueueData, QueueName } from './queue.ts'

/** @returns the state it has now; undefined: there is none. One that has ended stays as it ended. */
export async function pauseNotification(db: Db, id: string): Promise<NotificationState | undefined> {
  await sql`
    update ${db.t.notifications} set state = 'paused', paused_at = ${db.now}
    where id = ${id} and state in ('queued', 'sending')`.execute(db.kysely)
  return stateOf(db, id)
}

/** Its time to live stood still while it was paused. What was parked goes back into the queue in the same transaction. */
export async function resumeNotification(db: Db, id: string): Promise<NotificationState | undefined> {
  return db.transaction(async (tx) => {
    const resumed = await tx.rows(sql`
      update ${tx.t.notifications} set
        state = case when lane = 'broadcast' and page > 0 then 'sending' else 'queued' end,
        expires_at = expires_at + (${tx.now} - paused_at), paused_at = null
      where id = ${id} and state = 'paused' returning id`)
    if (resumed.length > 0) await unpark(tx, id)
    await finishIfDone(tx, id)
    return stateOf(tx, id)
  })
}

/** What was planned and not begun is cancelled at once; requests under way finish, and count as what they were. */
export async function cancelNotification(db: Db, id: string): Promise<NotificationState | undefined> {
  return db.transaction(async (tx) => {
    const cancelled = await tx.rows(sql`
      update ${tx.t.notifications} set state = 'cancelled', finished_at = ${tx.now}, postponed = null
      where id = ${id} and state in ('queued', 'sending', 'paused') returning id`)
    if (cancelled.length > 0) {
      await tx.kysely.deleteFrom('parked').where('notification_id', '=', id).execute()
      await sql`
        update ${tx.t.deliveries} set state = 2, settled_at = ${tx.now}, cancelled = recipients,
          results = array_fill(${RESULT.cancelled}::smallint, array[recipients::int])
        where notification_id = ${id} and state = 0`.execute(tx.kysely)
    }
    return stateOf(tx, id)
  })
}

async function unpark(tx: Db, id: string): Promise<void> {
  const parked = await tx.rows<{ queue: QueueName; data: QueueData[QueueName] }>(sql`
    delete from ${tx.t.parked} where notification_id = ${id} returning queue, data`)
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
