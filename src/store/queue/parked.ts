/** Where work waits that may not go on until a person says so. */
import { sql } from 'kysely'
import type { Db } from '../database/db.ts'
import type { Job, QueueData } from '../schema/jobs.ts'
import { ClaimLost, type Queue } from './queue.ts'

/** One transaction with the end of the job: the work is in the queue or here, never in both. */
export async function parkJob<Q extends 'fan-out' | 'send-broadcast' | 'send-direct'>(
  tx: Db,
  queue: Queue,
  job: Job<Q>,
  data: QueueData[Q],
): Promise<void> {
  const { notificationId } = data
  await queue.complete(tx, [job])
  // Under the lock that resuming takes: work must not be parked after everything parked went back.
  const paused = await tx.rows(sql`
    select id from ${tx.t.notifications} where id = ${notificationId} and state = 'paused' for share`)
  if (paused.length === 0) throw new ClaimLost('it was resumed, or has ended, meanwhile')
  await tx.kysely
    .insertInto('parked')
    .values({ notification_id: notificationId, queue: job.queue, data: JSON.stringify(data) })
    .execute()
}
