/** The senders of broadcasts: chunks are planned, sent, and finished; or put off, with what is left of them. */

import { all } from '../domain/all.ts'
import type { Recipient } from '../domain/notification.ts'
import type { Db } from '../store/database/db.ts'
import { readChunk } from '../store/ledger/chunk.ts'
import { PAGE_CHUNKS } from '../store/ledger/fan-out.ts'
import { findWork, type Work } from '../store/ledger/plan.ts'
import {
  finishChunks,
  finishNotifications,
  loadNotification,
  type Notification,
  setPostponed,
} from '../store/notifications/notifications.ts'
import { parkJob } from '../store/queue/parked.ts'
import { ClaimLost } from '../store/queue/queue.ts'
import type { Job, QueueData } from '../store/schema/jobs.ts'
import { closePlan, type Ending, endingOf } from './plan/ending.ts'
import type { Parcel } from './plan/parcel.ts'
import { planNew, resumePlan } from './plan/plan.ts'
import { enqueueReceipts } from './receipts.ts'
import { type Hold, type Run, type RunEnd, worst } from './request/run.ts'
import { tellEnded, tellUnknown } from './tell.ts'
import { inChunkSpans } from './traced.ts'
import type { Workplace } from './workplace.ts'

type ChunkJob = Job<'send-broadcast'>

/** A chunk that may go on. */
interface Chunk extends Work {
  job: ChunkJob
}

/** Several chunks at once, so that they share the statements before and after their requests. */
export async function sendChunks(place: Workplace, run: Run, jobs: ChunkJob[]): Promise<void> {
  const works = await findWork(place.db, jobs.map(pieceOf))
  const chunks: Chunk[] = []
  for (const [index, job] of jobs.entries()) {
    const work = works[index]
    if (!work) await place.db.transaction((tx) => place.queue.complete(tx, [job]))
    else if (!(await endOrPark(place, work.notification, job))) chunks.push({ job, ...work })
  }
  if (chunks.length > 0) await inChunkSpans(place.tracing, chunks, () => sendAll(place, run, chunks))
}

async function sendAll(place: Workplace, run: Run, chunks: Chunk[]): Promise<void> {
  const parcels = await parcelsOf(place, chunks)
  const ends = await all(
    chunks.map(async ({ job }, index): Promise<RunEnd[]> => {
      const own = parcels[index] ?? []
      return all(own.map((parcel) => run('broadcast', [parcel], job.data.tries)))
    }),
  )
  await finish(
    place,
    chunks.filter((_, index) => worst(ends[index] ?? []) === 'done').map(({ job }) => job),
  )
  for (const [index, chunk] of chunks.entries()) {
    const own = ends[index] ?? []
    const end = worst(own)
    if (typeof end === 'object') await postpone(place, chunk, end, own.includes('done'))
    else if (end === 'not_begun') await lookAgain(place, chunk.job)
  }
}

const pieceOf = ({ data: { notificationId, from, asked } }: ChunkJob) => ({ notificationId, chunk: from, asked })

/** @returns whether there is nothing left to send of it, for now or for ever. */
async function endOrPark(place: Workplace, notification: Notification, job: ChunkJob): Promise<boolean> {
  const ending = endingOf(notification, place.options.pushesEnabled)
  if (ending) await endChunk(place, notification, job, ending)
  else if (notification.state === 'paused') await parkChunk(place, job)
  else return false
  return true
}

/** @returns the parcels of each chunk. */
async function parcelsOf({ db, pace, emit }: Workplace, chunks: Chunk[]): Promise<Parcel[][]> {
  const fresh = chunks.filter(({ plan }) => plan === undefined)
  // One after the other: at the same time they would keep the database from saving intents and answers, and in one statement
  // this thread from its requests. Other workers send meanwhile.
  const recipients: Recipient[][] = []
  for (const { notification, job } of fresh) recipients.push(await readAudience(db, notification, job.data))
  const largest = recipients.toSorted((a, b) => b.length - a.length)[0] ?? []
  const [first] = largest
  const most = first && (await pace.requestSize(first.project, largest.length))
  const planned = await planNew(
    db,
    fresh.map(({ notification, job }, index) => ({
      notification,
      chunk: job.data.from,
      recipients: recipients[index] ?? [],
      ...(most === undefined ? {} : { most }),
    })),
  )
  const byPiece = Map.groupBy(planned, ({ delivery }) => `${delivery.notification_id} ${delivery.chunk}`)
  return all(
    chunks.map(async ({ notification, plan, job }) =>
      plan ? resumePlan({ db, emit }, notification, plan) : (byPiece.get(`${notification.id} ${job.data.from}`) ?? []),
    ),
  )
}

function readAudience(
  db: Db,
  { audience }: Notification,
  { from, to }: QueueData['send-broadcast'],
): Promise<Recipient[]> {
  const topic = 'topic' in audience ? audience.topic : undefined
  return readChunk(db, { from, to, except: audience.except ?? [], topic })
}

/** Something was not begun: either the notification has just ended or been paused, or somebody else has this chunk. */
async function lookAgain(place: Workplace, job: ChunkJob): Promise<void> {
  const now = await loadNotification(place.db, job.data.notificationId)
  if (now && (await endOrPark(place, now, job))) return
  throw new ClaimLost('somebody else sends this chunk')
}

async function finish(place: Workplace, jobs: ChunkJob[]): Promise<void> {
  if (jobs.length === 0) return
  const ended = await place.db.transaction(async (tx) => {
    const ids = jobs.map((job) => job.data.notificationId)
    const [, last] = await all([
      place.queue.complete(tx, jobs),
      finishChunks(tx, ids),
      enqueueReceipts(tx, jobs.map(pieceOf), place.options.receiptDelayMs),
      ...jobs.map((job) => passBaton(tx, job)),
    ])
    return last
  })
  tellEnded(place.emit, ended)
}

async function endChunk(place: Workplace, notification: Notification, job: ChunkJob, ending: Ending): Promise<void> {
  const { unknown, ended } = await place.db.transaction(async (tx) => {
    await place.queue.complete(tx, [job])
    const closed = await closePlan(tx, notification, job.data.from, ending)
    await enqueueReceipts(tx, [pieceOf(job)], place.options.receiptDelayMs)
    const expired =
      ending === 'expired'
        ? await finishNotifications(tx, [{ id: notification.id, skipReason: null, state: 'expired' }])
        : []
    const last = await finishChunks(tx, [notification.id])
    await passBaton(tx, job)
    return { unknown: closed, ended: [...expired, ...last] }
  })
  tellUnknown(place.emit, 'broadcast', unknown)
  tellEnded(place.emit, ended)
}

/**
 * The longest that a chunk which must wait holds back the next page, so that a broadcast which cannot be sent is not cut to its end
 * at once. It ends, since only one of many projects may be held. Where nobody of the chunk was sent to: for each page that waits.
 */
const LONGEST_BEFORE_PAGE_MS = 10_000

/** @param hasGone whether some of the chunk was sent. */
async function postpone(place: Workplace, { job, notification }: Chunk, hold: Hold, hasGone: boolean): Promise<void> {
  const pages = hasGone ? 1 : Math.ceil(notification.chunks_open / PAGE_CHUNKS)
  const longestMs = pages * LONGEST_BEFORE_PAGE_MS
  const afterMs = Math.min(hold.afterMs, longestMs)
  await place.db.transaction(async (tx) => {
    const asked = await enqueueReceipts(tx, [pieceOf(job)], place.options.receiptDelayMs)
    await place.queue.postpone(tx, [job], [{ ...job.data, baton: null, tries: hold.tries, asked }], hold.afterMs)
    await setPostponed(tx, [job.data.notificationId], hold.reason)
    await passBaton(tx, job, { afterMs, held: { project: hold.project ?? '', forMs: longestMs - afterMs } })
  })
}

async function parkChunk(place: Workplace, job: ChunkJob): Promise<void> {
  await place.db.transaction(async (tx) => {
    const asked = await enqueueReceipts(tx, [pieceOf(job)], place.options.receiptDelayMs)
    await parkJob(tx, place.queue, job, { ...job.data, baton: null, asked })
    await passBaton(tx, job)
  })
}

/** The chunk in the middle of a page asks for the next page, in the transaction in which it leaves the queue. */
async function passBaton(
  tx: Db,
  job: ChunkJob,
  { afterMs = 0, held }: { afterMs?: number; held?: QueueData['fan-out']['held'] } = {},
): Promise<void> {
  const { baton, notificationId, trace } = job.data
  if (baton === null) return
  await tx.enqueue('fan-out', [{ notificationId, page: baton, held, ...(trace !== undefined && { trace }) }], afterMs)
}
