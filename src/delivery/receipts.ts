/** Asking for receipts: first after a while, then ever more rarely, for a day. A missing one never prunes and never resends. */
import { failpoint } from '../domain/failpoint.ts'
import { backoffMs } from '../domain/backoff.ts'
import { countCodes, judgeReceipts } from '../domain/judge.ts'
import { countResults, RESULT } from '../domain/result.ts'
import type { ReceiptsAnswer } from '../ports.ts'
import { findMended, restoreSuspended } from '../store/alarms.ts'
import type { Db } from '../store/db.ts'
import type { Piece } from '../store/plan.ts'
import { acceptedDeliveries, type AwaitingReceipts, findAwaiting, settleReceipts } from '../store/receipts.ts'
import type { Job, QueueData } from '../store/queue.ts'
import { writeRefused } from './settle.ts'
import type { Workplace } from './start.ts'

/** Expo answers at most this many ids in one call. */
const MOST_TICKETS = 1_000
/**
 * When to look, since the ticket, in multiples of the first delay: 15 and 30 minutes, 1, 2, 4, 8, 16 and 23 hours. Expo
 * keeps receipts for a day, and may need half an hour under load.
 */
const LOOKS = [1, 2, 4, 8, 16, 32, 64, 92] as const
/** A look that is due within this share of the first delay is the one that is being made. */
const TOO_SOON = 0.1

/** Inside the transaction that finishes the work: tickets without somebody who will ask for their receipts do not exist. */
export async function enqueueReceipts(tx: Db, pieces: Piece[], delayMs: number): Promise<void> {
  const deliveries = await acceptedDeliveries(tx, pieces)
  const jobs: QueueData['receipts'][] = []
  let tickets = MOST_TICKETS
  for (const { id, accepted } of deliveries) {
    if (tickets + accepted > MOST_TICKETS) {
      jobs.push({ deliveryIds: [], tries: 0 })
      tickets = 0
    }
    jobs.at(-1)?.deliveryIds.push(id)
    tickets += accepted
  }
  if (jobs.length > 0) await tx.enqueue('receipts', jobs, delayMs)
}

export async function askReceipts(place: Workplace, job: Job<'receipts'>): Promise<void> {
  const waiting = await findAwaiting(place.db, job.data.deliveryIds)
  const started = place.clock.monotonic()
  const answer = await ask(place, ticketsOf(waiting))
  const ms = Math.round(place.clock.monotonic() - started)
  if (answer.kind === 'later') return putOff(place, job, answer, ms)
  await failpoint('after_receipts')
  const again = nextLook(waiting, place.options.receiptDelayMs)
  const judged = waiting.map((before) => ({ before, ...judgeReceipts(before, answer.receipts, again === undefined) }))
  for (const { before } of judged) {
    const answered = before.ticket_ids.filter((id) => id !== null && answer.receipts.has(id)).length
    place.tally.add(before.project, answered)
  }
  const left = judged.filter(({ results }) => results.includes(RESULT.accepted)).map(({ before }) => before.id)
  const { tells, mended } = await place.tally.within((take) =>
    place.db.transaction(async (tx) => {
      await place.queue.complete(tx, [job])
      await settleReceipts(tx, judged)
      if (left.length > 0) await tx.enqueue('receipts', [{ deliveryIds: left, tries: 0 }], again)
      return {
        tells: await writeRefused(tx, take, judged.flatMap(refusedIn)),
        mended: await findMended(tx, judged.flatMap(handedOver)),
      }
    }),
  )
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

/** Milliseconds until the next look, by the age of the tickets; looks that were slept through are not made up for. */
function nextLook(waiting: AwaitingReceipts[], delayMs: number): number | undefined {
  const age = Math.min(...waiting.map((delivery) => delivery.age_ms))
  const next = LOOKS.find((times) => times * delayMs > age + delayMs * TOO_SOON)
  return next === undefined ? undefined : next * delayMs - age
}

function ticketsOf(waiting: AwaitingReceipts[]): string[] {
  return waiting.flatMap(({ results, ticket_ids }) =>
    ticket_ids.filter((id, position): id is string => id !== null && results[position] === RESULT.accepted),
  )
}

/** A chunk's tickets are one call; more than fit are asked for one call after the other. */
async function ask(place: Workplace, tickets: string[]): Promise<ReceiptsAnswer> {
  const receipts: Extract<ReceiptsAnswer, { kind: 'receipts' }>['receipts'] = new Map()
  for (let start = 0; start < tickets.length; start += MOST_TICKETS) {
    const giveBack = await place.connections.connection('broadcast')
    const ids = tickets.slice(start, start + MOST_TICKETS)
    const answer = await place.gateway.receipts(ids).finally(giveBack)
    if (answer.kind === 'later') return answer
    for (const [id, receipt] of answer.receipts) receipts.set(id, receipt)
  }
  return { kind: 'receipts', receipts }
}

async function putOff(
  place: Workplace,
  job: Job<'receipts'>,
  later: Extract<ReceiptsAnswer, { kind: 'later' }>,
  ms: number,
): Promise<void> {
  place.emit('receipts.failed', {
    reason: later.reason,
    ms,
    ...(later.status === undefined ? {} : { status: later.status }),
  })
  const tries = job.data.tries + 1
  const afterMs = later.afterMs ?? backoffMs(tries, Math.random())
  await place.db.transaction((tx) => place.queue.postpone(tx, job, { ...job.data, tries }, afterMs))
}
