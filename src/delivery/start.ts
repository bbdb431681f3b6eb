/** Time passes here: workers take what is due. They stop in order: no new work, then what is under way, then nothing. */
import { failpoint } from '../domain/failpoint.ts'
import { estimateAudience } from '../store/ledger/estimate.ts'
import type { Job, QueueName } from '../store/schema/jobs.ts'
import { undoFlood } from '../store/tokens/flood.ts'
import { prune } from '../store/upkeep.ts'
import { sendChunks } from './broadcast.ts'
import { sendDirect } from './direct.ts'
import { fanOut } from './fan-out.ts'
import { askReceipts } from './receipts.ts'
import { openRun } from './request/run.ts'
import { openSender } from './request/sender.ts'
import type { SenderParts } from './request/sending.ts'
import { openBooks } from './settle/settle.ts'
import { openTally } from './settle/tally.ts'
import { openBreakers } from './turns/breaker.ts'
import { openConnections } from './turns/connections.ts'
import { openPace } from './turns/pace.ts'
import { openTurns } from './turns/turns.ts'
import type { DeliveryParts, Workplace } from './workplace.ts'

export interface Delivery {
  /** Resolves when nothing is under way any more, or at the deadline. Closing twice is fine. */
  close(deadlineMs: number): Promise<void>
}

/** Some send while another finishes its chunks and reads the next: every connection stays busy. */
const BROADCAST_WORKERS = 3
/** Chunks that share the statements before and after their requests. */
const CHUNKS_TOGETHER = 3
/** Where the pace is narrow, or answers take longer than this, sending does not wait for statements: chunks are left to other workers. */
const ALONE_FROM_MS = 50
/** All may be waiting for Expo: there is one more than there are connections, to take what comes meanwhile. */
const SPARE_DIRECT_WORKERS = 1
const DIRECT_BATCH = 100
const RECEIPT_WORKERS = 2
/** Two workers that wait 150 ms for each answer ask for 1,300 direct notifications a second: more than Expo takes. */
const RECEIPT_BATCH = 100
/** A probe may last as long as a request, and the saving of its answer. */
const PROBE_MARGIN_MS = 5_000

export async function startDelivery(parts: DeliveryParts): Promise<Delivery> {
  const { db, queue, clock, emit, options } = parts
  const stopping = new AbortController()
  const breaker = openBreakers(db, clock, emit, options.timeoutMs + PROBE_MARGIN_MS)
  const tally = openTally(clock)
  const pace = openPace(db, clock, options.rateLimit)
  const connections = openConnections(options.maxConcurrentRequests, () => clock.monotonic(), options.rateLimit > 0)
  const stop = stopping.signal
  const turns = openTurns({ connections, pace, stop })
  const books = openBooks({ ...parts, tally, receiptDelayMs: options.receiptDelayMs })
  const senderParts: SenderParts = { ...parts, breaker, connections, pace, turns, ...books, stop }
  const run = openRun(senderParts, openSender(senderParts))
  const eachOf = <Q extends QueueName>(name: Q, workers: number, work: (job: Job<Q>) => Promise<void>) =>
    queue.work(name, { workers, batchSize: () => 1 }, async ([job]) => job && work(job))
  const place: Workplace = { ...parts, breaker, connections, pace, turns, tally }

  const directWorkers = options.maxConcurrentRequests + SPARE_DIRECT_WORKERS
  await queue.work('send-direct', { workers: directWorkers, batchSize: () => DIRECT_BATCH }, (jobs) =>
    sendDirect(place, run, jobs),
  )
  await eachOf('fan-out', 1, (job) => fanOut(place, job))
  const batchSize = () => (pace.isNarrow || !connections.answerWithin(ALONE_FROM_MS) ? 1 : CHUNKS_TOGETHER)
  await queue.work('send-broadcast', { workers: BROADCAST_WORKERS, batchSize }, (jobs) => sendChunks(place, run, jobs))
  await queue.work('receipts', { workers: RECEIPT_WORKERS, batchSize: () => RECEIPT_BATCH }, (jobs) =>
    askReceipts(place, stop, jobs),
  )
  await eachOf('estimate', 1, async (job) => {
    await estimateAudience(db, job.data.notificationId)
    await db.transaction((tx) => queue.complete(tx, [job]))
  })
  await eachOf('flood', 1, async (job) => {
    const restored = await undoFlood(db, job.data.alarmId)
    await db.transaction((tx) => queue.complete(tx, [job]))
    if (restored > 0) emit('flood.undone', { restored })
  })
  await eachOf('upkeep', 1, async (job) => {
    emit('upkeep.done', await prune(db))
    await db.transaction((tx) => queue.complete(tx, [job]))
  })

  return {
    async close(deadlineMs) {
      stopping.abort()
      await failpoint('in_shutdown')
      const given = new AbortController()
      await Promise.race([queue.stopWorking(), clock.wait(deadlineMs, given.signal)])
      given.abort()
    },
  }
}
