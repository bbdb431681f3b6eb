/** The senders of broadcasts: a chunk is planned, sent, and finished; or put off, with what is left of it. */
import type { Db } from '../store/db.ts'
import {
  finishChunk,
  finishNotifications,
  loadNotifications,
  type Notification,
  setPostponed,
} from '../store/notifications.ts'
import { parkJob } from '../store/parked.ts'
import { findPlan, readChunk } from '../store/plan.ts'
import { ClaimLost, type Job, type QueueData } from '../store/queue.ts'
import { all } from './all.ts'
import { closePlan, type Ending, endingOf } from './ending.ts'
import type { Parcel } from './parcel.ts'
import { planNew, resumePlan } from './plan.ts'
import { enqueueReceipts } from './receipts.ts'
import { type Hold, type Run, worst } from './run.ts'
import type { Workplace } from './start.ts'
import { tellEnded, tellUnknown } from './tell.ts'
import { inChunkSpan } from './traced.ts'

type ChunkJob = Job<'send-broadcast'>

export async function sendChunk(place: Workplace, run: Run, job: ChunkJob): Promise<void> {
  const { notificationId } = job.data
  const notification = (await loadNotifications(place.db, [notificationId])).get(notificationId)
  if (!notification) return place.db.transaction((tx) => place.queue.complete(tx, [job]))
  await inChunkSpan(place.tracing, notification, job.data.trace, () => sendLoaded(place, run, job, notification))
}

async function sendLoaded(place: Workplace, run: Run, job: ChunkJob, notification: Notification): Promise<void> {
  const ending = endingOf(notification, place.options.pushesEnabled)
  if (ending) return endChunk(place, notification, job, ending)
  if (notification.state === 'paused') return parkChunk(place, job)
  const parcels = await parcelsOf(place, notification, job.data)
  const end = worst(await all(parcels.map((parcel) => run('broadcast', [parcel], job.data.tries))))
  if (end === 'stopped') return
  if (end === 'not_begun') return lookAgain(place, run, job)
  await (end === 'done' ? finish(place, job) : postpone(place, job, end))
}

async function parcelsOf(
  { db, pace, emit }: Workplace,
  notification: Notification,
  data: QueueData['send-broadcast'],
): Promise<Parcel[]> {
  const plan = (await findPlan(db, [notification.id], data.from)).get(notification.id)
  if (plan) return resumePlan({ db, emit }, notification, plan)
  const { audience } = notification
  const topic = 'topic' in audience ? audience.topic : undefined
  const recipients = await readChunk(db, { from: data.from, to: data.to, except: audience.except ?? [], topic })
  const most = await pace.requestSize(recipients[0]?.project ?? null, recipients.length)
  return planNew(db, [{ notification, chunk: data.from, recipients, most }])
}

/** Something was not begun: either the notification has just ended or been paused, or somebody else has this chunk. */
async function lookAgain(place: Workplace, run: Run, job: ChunkJob): Promise<void> {
  const { notificationId } = job.data
  const notification = (await loadNotifications(place.db, [notificationId])).get(notificationId)
  const ended = notification && endingOf(notification, place.options.pushesEnabled)
  if (notification && !ended && notification.state !== 'paused') throw new ClaimLost('somebody else sends this chunk')
  await sendChunk(place, run, job)
}

async function finish(place: Workplace, job: ChunkJob): Promise<void> {
  const ended = await place.db.transaction(async (tx) => {
    await place.queue.complete(tx, [job])
    await enqueueReceipts(tx, [job.data.notificationId], job.data.from, place.options.receiptDelayMs)
    const last = await finishChunk(tx, job.data.notificationId)
    await passBaton(tx, job)
    return last
  })
  tellEnded(place.emit, ended)
}

async function endChunk(place: Workplace, notification: Notification, job: ChunkJob, ending: Ending): Promise<void> {
  const { unknown, ended } = await place.db.transaction(async (tx) => {
    await place.queue.complete(tx, [job])
    const closed = await closePlan(tx, notification, job.data.from, ending)
    await enqueueReceipts(tx, [notification.id], job.data.from, place.options.receiptDelayMs)
    const expired =
      ending === 'expired'
        ? await finishNotifications(tx, [{ id: notification.id, skipReason: null, state: 'expired' }])
        : []
    const last = await finishChunk(tx, notification.id)
    await passBaton(tx, job)
    return { unknown: closed, ended: [...expired, ...last] }
  })
  tellUnknown(place.emit, 'broadcast', unknown)
  tellEnded(place.emit, ended)
}

async function postpone(place: Workplace, job: ChunkJob, hold: Hold): Promise<void> {
  await place.db.transaction(async (tx) => {
    await place.queue.postpone(tx, job, { ...job.data, baton: null, tries: hold.tries }, hold.afterMs)
    await setPostponed(tx, [job.data.notificationId], hold.reason)
    await passBaton(tx, job)
  })
}

async function parkChunk(place: Workplace, job: ChunkJob): Promise<void> {
  await place.db.transaction(async (tx) => {
    await parkJob(tx, place.queue, job, { ...job.data, baton: null })
    // A pause may outlast Expo's receipts: those of what was sent are asked for meanwhile.
    await enqueueReceipts(tx, [job.data.notificationId], job.data.from, place.options.receiptDelayMs)
    await passBaton(tx, job)
  })
}

/** The chunk in the middle of a page asks for the next page, in the transaction in which it leaves the queue. */
async function passBaton(tx: Db, job: ChunkJob): Promise<void> {
  const { baton, notificationId, trace } = job.data
  if (baton === null) return
  await tx.enqueue('fan-out', [{ notificationId, page: baton, ...(trace !== undefined && { trace }) }])
}
