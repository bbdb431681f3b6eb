/** Asking for receipts: first after a while, then ever more rarely, for a day. A missing one never prunes and never resends. */

import { countCodes, judgeReceipts } from '../domain/answers/judge.ts'
import { countResults, RESULT } from '../domain/answers/result.ts'
import type { Receipt } from '../domain/answers/verdict.ts'
import { backoffMs } from '../domain/backoff.ts'
import { failpoint } from '../domain/failpoint.ts'
import type { ReceiptsAnswer } from '../ports.ts'
import { isCollision, isDatabaseAway } from '../store/database/away.ts'
import type { Db } from '../store/database/db.ts'
import type { Piece } from '../store/ledger/plan.ts'
import { type AwaitingReceipts, acceptedDeliveries, findAwaiting, settleReceipts } from '../store/ledger/receipts.ts'
import { ClaimLost } from '../store/queue/queue.ts'
import type { Job } from '../store/schema/jobs.ts'
import { type Credentials, findMended, restoreSuspended } from '../store/tokens/alarms.ts'
import { writeRefused } from './settle/settle.ts'
import type { Workplace } from './workplace.ts'

type ReceiptsJob = Job<'receipts'>

/** Expo answers at most this many ids in one call. */
const MOST_TICKETS = 1_000
/**
 * When to look, since the ticket, in multiples of the first delay: 15 and 30 minutes, 1, 2, 4, 8, 16 and 23 hours. Expo
 * keeps receipts for a day, and may need half an hour under load.
 */
const LOOKS = [1, 2, 4, 8, 16, 32, 64, 92] as const
/** A look that is due within this share of the first delay counts as the one that is being made now. */
const TOO_SOON = 0.1

/** `asked`: deliveries that an earlier attempt has enqueued. */
type SentPiece = Piece & { asked?: number[] | undefined }

/**
 * Inside the transaction that finishes or puts off the work, so that no ticket is without a job that will ask for its receipt.
 * Work that is put off may wait for longer than Expo keeps receipts: those of what was sent already are asked for meanwhile, once.
 * @returns ids of all deliveries for which there is such a job now.
 */
export async function enqueueReceipts(tx: Db, pieces: SentPiece[], delayMs: number): Promise<number[]> {
  const deliveries = await acceptedDeliveries(tx, pieces)
  const asked = new Set(pieces.flatMap((piece) => piece.asked ?? []))
  const unasked = deliveries.filter(({ id }) => !asked.has(id))
  const jobs = inCalls(unasked, ({ accepted }) => accepted).map((together) => ({
    deliveryIds: together.map(({ id }) => id),
    tries: 0,
    tickets: together.reduce((sum, { accepted }) => sum + accepted, 0),
  }))
  if (jobs.length > 0) await tx.enqueue('receipts', jobs, delayMs)
  return deliveries.map(({ id }) => id)
}

/** Jobs share calls: after a direct notification each has a ticket or two, and a call for each would never keep up. */
export async function askReceipts(place: Workplace, stop: AbortSignal, jobs: ReceiptsJob[]): Promise<void> {
  for (const together of inCalls(jobs, ({ data }) => data.tickets ?? MOST_TICKETS)) {
    await askTogether(place, stop, together)
  }
}

/** Where Expo refuses a call, or its answer cannot be saved, one job is at fault: they are halved until it is alone, and no other waits for it. */
async function askTogether(place: Workplace, stop: AbortSignal, jobs: ReceiptsJob[]): Promise<void> {
  if (stop.aborted) return
  const outcome = await askOnce(place, jobs).catch(unlessExplained)
  if (outcome.kind === 'settled') return tellSettled(place, outcome)
  if (outcome.kind === 'later' || jobs.length === 1) return putOff(place, jobs, outcome)
  const half = jobs.length >> 1
  for (const some of [jobs.slice(0, half), jobs.slice(half)]) await askTogether(place, stop, some)
}

/** Throws on what is no job's fault: the database is away, transactions collided, or the claim was lost. */
function unlessExplained(error: unknown): { kind: 'failed'; error: string } {
  if (isDatabaseAway(error) || isCollision(error) || error instanceof ClaimLost) throw error
  return { kind: 'failed', error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
}

/** In their order, as many together as fit into a call. */
function inCalls<T>(parts: T[], ticketsOfPart: (part: T) => number): T[][] {
  const calls: T[][] = []
  let tickets = MOST_TICKETS
  for (const part of parts) {
    const more = ticketsOfPart(part)
    if (tickets + more > MOST_TICKETS) {
      calls.push([])
      tickets = 0
    }
    calls.at(-1)?.push(part)
    tickets += more
  }
  return calls
}

interface Settled {
  kind: 'settled'
  judged: Judged[]
  ms: number
  tells: Awaited<ReturnType<typeof writeRefused>>
  mended: Credentials[]
}
type Unsettled = (Exclude<ReceiptsAnswer, { kind: 'receipts' }> & { ms: number }) | ReturnType<typeof unlessExplained>

async function askOnce(place: Workplace, jobs: ReceiptsJob[]): Promise<Settled | Unsettled> {
  const { receiptDelayMs } = place.options
  const waiting = await findAwaiting(
    place.db,
    jobs.flatMap((job) => job.data.deliveryIds),
  )
  const started = place.clock.monotonic()
  const answer = await ask(place, ticketsOf(waiting))
  const ms = Math.round(place.clock.monotonic() - started)
  const isLastLook = (before: AwaitingReceipts) => nextLook(before.age_ms, receiptDelayMs) === undefined
  if (answer.kind === 'later') return { ...answer, ms }
  if (answer.kind === 'refused' && (jobs.length > 1 || !waiting.every(isLastLook))) return { ...answer, ms }
  const receipts = answer.kind === 'receipts' ? answer.receipts : new Map<string, Receipt>()
  await failpoint('after_receipts')
  const judged = waiting.map((before) => ({ before, ...judgeReceipts(before, receipts, isLastLook(before)) }))
  const heard = waiting.map(({ project, ticket_ids }) => {
    return { project, answered: ticket_ids.filter((id) => id !== null && receipts.has(id)).length }
  })
  const left = judged.filter(({ results }) => results.includes(RESULT.accepted))
  const { tells, mended } = await place.tally.within(
    (take) =>
      place.db.transaction(async (tx) => {
        await place.queue.complete(tx, jobs)
        await settleReceipts(tx, judged)
        await lookAgain(tx, jobs, left, receiptDelayMs)
        return {
          tells: await writeRefused(tx, take, judged.flatMap(refusedIn)),
          mended: await findMended(tx, judged.flatMap(handedOver)),
        }
      }),
    heard,
  )
  return { kind: 'settled', judged, ms, tells, mended }
}

async function tellSettled(place: Workplace, { judged, ms, tells, mended }: Settled): Promise<void> {
  tellReceipts(place, judged, ms)
  for (const tell of tells) tell(place.emit)
  for (const credentials of mended) {
    const count = await restoreSuspended(place.db, credentials, 'a probe whose receipt is ok')
    const { project, deviceType } = credentials
    place.emit('tokens.restored', { project: project || null, deviceType: deviceType || null, count })
  }
}

interface Judged {
  before: AwaitingReceipts
  results: number[]
  refused: ReturnType<typeof judgeReceipts>['refused']
}

function tellReceipts({ emit }: Workplace, judged: Judged[], ms: number): void {
  const before = countResults(judged.flatMap((one) => one.before.results))
  const now = countResults(judged.flatMap((one) => one.results))
  emit('receipts.settled', {
    handedOver: now.handed_over - before.handed_over,
    failed: now.failed - before.failed,
    noReceipt: now.no_receipt - before.no_receipt,
    ms,
    codes: countCodes(judged.flatMap((one) => one.refused)),
  })
}

function refusedIn({ before, refused }: Judged) {
  return refused.map(({ position, ...refusal }) => ({
    tokenId: before.token_ids[position] ?? 0,
    deliveryId: before.id,
    project: before.project ?? '',
    stage: 'receipt' as const,
    ...refusal,
    // When its push was sent is not known any more, and so not who has registered again since.
    fate: before.late ? ('keep' as const) : refusal.fate,
  }))
}

function handedOver({ before, results }: Judged) {
  return before.token_ids.flatMap((tokenId, position) =>
    results[position] === RESULT.handed_over && before.results[position] === RESULT.accepted
      ? [{ tokenId, deliveryId: before.id }]
      : [],
  )
}

/** Each job for itself: those that share a call need not be of the same age. */
async function lookAgain(tx: Db, jobs: ReceiptsJob[], left: Judged[], delayMs: number): Promise<void> {
  const looks = jobs.flatMap(({ data }) => {
    const named = new Set(data.deliveryIds)
    const own = left.filter(({ before }) => named.has(before.id))
    return own.length === 0 ? [] : [nextLookAt(own, delayMs)]
  })
  const again = looks.map((look) => look.again)
  const afterMs = looks.map((look) => look.afterMs)
  if (again.length > 0) await tx.enqueue('receipts', again, afterMs)
}

function nextLookAt(own: Judged[], delayMs: number) {
  const youngest = Math.min(...own.map(({ before }) => before.age_ms))
  const again = {
    deliveryIds: own.map(({ before }) => before.id),
    tries: 0,
    tickets: countResults(own.flatMap(({ results }) => results)).accepted,
  }
  return { again, afterMs: nextLook(youngest, delayMs) ?? 0 }
}

/** Milliseconds until the next look at tickets of that age; looks that were slept through are not made up for. */
function nextLook(ageMs: number, delayMs: number): number | undefined {
  const next = LOOKS.find((times) => times * delayMs > ageMs + delayMs * TOO_SOON)
  return next === undefined ? undefined : next * delayMs - ageMs
}

function ticketsOf(waiting: AwaitingReceipts[]): string[] {
  return waiting.flatMap(({ results, ticket_ids }) =>
    ticket_ids.filter((id, position): id is string => id !== null && results[position] === RESULT.accepted),
  )
}

async function ask(place: Workplace, tickets: string[]): Promise<ReceiptsAnswer> {
  if (tickets.length === 0) return { kind: 'receipts', receipts: new Map() }
  const giveBack = await place.connections.connection('broadcast')
  return place.gateway.receipts(tickets).finally(giveBack)
}

async function putOff(place: Workplace, jobs: ReceiptsJob[], why: Unsettled): Promise<void> {
  tellPutOff(place, why)
  const again = jobs.map(({ data }) => ({ ...data, tries: data.tries + 1 }))
  // Without `tickets`, a job at fault shares no call from now on; after a call that merely failed, all come back together.
  if (why.kind !== 'later') for (const one of again) delete one.tickets
  const wished = why.kind === 'later' ? why.afterMs : undefined
  const afterMs = wished ?? backoffMs(Math.max(...again.map(({ tries }) => tries)), Math.random())
  await place.db.transaction((tx) => place.queue.postpone(tx, jobs, again, afterMs))
}

function tellPutOff({ emit }: Workplace, why: Unsettled): void {
  if (why.kind === 'failed') return emit('job.failed', { queue: 'receipts', error: why.error })
  const reason = why.kind === 'refused' ? `${why.code}: ${why.message}` : why.reason
  emit('receipts.failed', { reason, ms: why.ms, ...(why.status === undefined ? {} : { status: why.status }) })
}
