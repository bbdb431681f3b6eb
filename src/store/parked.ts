/** Where work waits that may not go on until a person says so. */
import type { Db } from './db.ts'
import type { Job, Queue, QueueData, QueueName } from './queue.ts'

/** One transaction with the end of the job: the work is in the queue or here, never in both. */
export async function parkJob<Q extends QueueName>(
  tx: Db,
  queue: Queue,
  job: Job<Q>,
  data: QueueData[Q],
): Promise<void> {
  await queue.complete(tx, [job])
  const notificationId = 'notificationId' in data ? data.notificationId : undefined
  if (notificationId === undefined)
    throw new Error(`work of ${job.queue} belongs to no notification and cannot be parked`)
  await tx.kysely
    .insertInto('parked')
    .values({ notification_id: notificationId, queue: job.queue, data: JSON.stringify(data) })
    .execute()
}
