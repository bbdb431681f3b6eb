/** Asking for receipts: first after a while, then ever more rarely, for a day. A missing one never prunes and never resends. */
import { backoffMs } from '../domain/backoff.ts'
import { judgeReceipts } from '../domain/judge.ts'
import { RESULT } from '../domain/result.ts'
import type { ReceiptsAnswer } from '../ports.ts'
import type { Db } from '../store/db.ts'
import { acceptedDeliveries, type AwaitingReceipts, findAwaiting, settleReceipts } from '../store/receipts.ts'
import type { Job } from '../store/queue.ts'
import { writeRefused } from './settle.ts'
import type { Workplace } from './start.ts'

/** Expo answers at most this many ids in one call. */
const MOST_TICKETS = 1_000
/**
 * When to look, in multiples of the first delay: 15 and 30 minutes, 1, 2, 4, 8, 16 and 23 hours. Expo keeps receipts
 * for a day, and may need half an hour under load.
 */
const LOOKS = [1, 2, 4, 8, 16, 32, 64, 92] as const

/** Inside the transaction that finishes the work: tickets without somebody who will ask for their receipts do not exist. */
export async function enqueueReceipts(
  tx: Db,
  notificationIds: string[],
  chunk: number,
  delayMs: number,
): Promise<void> {
  const deliveries = await acceptedDeliveries(tx, notificationIds, chunk)
  const jobs: { deliveryIds: number[]; attempt: number; tries: number }[] = []
  let tickets = MOST_TICKETS
  for (const { id, accepted } of deliveries) {
    if (tickets + accepted > MOST_TICKETS) {
      jobs.push({ deliveryIds: [], attempt: 0, tries: 0 })
      tickets = 0
    }
    jobs.at(-1)?.deliveryIds.push(id)
    tickets += accepted
  }
  if (jobs.length > 0) await tx.enqueue('receipts', jobs, delayMs)
}

export async function askReceipts(place: Workplace, job: Job<'receipts'>): Promise<void> {
  const waiting = await findAwaiting(place.db, job.data.deliveryIds)
  const answer = await ask(place, ticketsOf(waiting))
  if (answer.kind === 'later') return putOff(place, job, answer)
  const lastLook = job.data.attempt >= LOOKS.length - 1
  const judged = waiting.map((before) => ({ before, ...judgeReceipts(before, answer.receipts, lastLook) }))
  const left = judged.filter(({ results }) => results.includes(RESULT.accepted)).map(({ before }) => before.id)
  await place.db.transaction(async (tx) => {
    await place.queue.complete(tx, [job])
    await settleReceipts(tx, judged)
    await writeRefused(
      tx,
      place.emit,
      judged.flatMap(({ before, refused }) =>
        refused.map((one) => ({
          tokenId: before.token_ids[one.position] ?? 0,
          deliveryId: before.id,
          stage: 'receipt' as const,
          code: one.code,
          message: one.message,
          fate: one.fate,
        })),
      ),
    )
    const next = job.data.attempt + 1
    const wait = ((LOOKS[next] ?? 0) - (LOOKS[next - 1] ?? 0)) * place.options.receiptDelayMs
    if (left.length > 0) await tx.enqueue('receipts', [{ deliveryIds: left, attempt: next, tries: 0 }], wait)
  })
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
): Promise<void> {
  place.emit('receipts.failed', {
    reason: later.reason,
    ...(later.status === undefined ? {} : { status: later.status }),
  })
  const tries = job.data.tries + 1
  const afterMs = later.afterMs ?? backoffMs(tries, Math.random())
  await place.db.transaction((tx) => place.queue.postpone(tx, job, { ...job.data, tries }, afterMs))
}
