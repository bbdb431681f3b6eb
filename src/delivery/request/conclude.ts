/** What Expo's answer to a request means for the deliveries in it, for the pace and for the breaker. */

import { isLastChance, mayRepeat } from '../../domain/answers/judge.ts'
import { RESULT } from '../../domain/answers/result.ts'
import { backoffMs } from '../../domain/backoff.ts'
import type { SendAnswer } from '../../ports.ts'
import { isDatabaseAway } from '../../store/database/away.ts'
import { repeatAmbiguous } from '../../store/ledger/deliveries.ts'
import { type Begun, settleAll } from '../plan/parcel.ts'
import { untilSaved } from '../settle/settle.ts'
import { divideRequest } from './divide-request.ts'
import { type Answered, release, type SenderParts, type Sent, settleInto } from './sending.ts'
import { settleTickets } from './settle-tickets.ts'

/** An outage of seconds is over by then, and a message is still news. */
const LAST_REPEAT_MS = 10_000
/** Those who failed together do not come back together. */
const SPREAD = 0.25

type Of<Kind extends SendAnswer['kind']> = Extract<SendAnswer, { kind: Kind }>

export async function conclude(parts: SenderParts, answered: Answered, answer: SendAnswer): Promise<Sent> {
  switch (answer.kind) {
    case 'tickets':
      await settleTickets(parts, answered, answer.tickets)
      await tellBreaker(parts, answered, 'well')
      return { kind: 'done' }
    case 'later':
      return notSent(parts, answered, answer)
    case 'ambiguous':
      tellFailure(parts, answered, answer)
      return repeatOrGiveUp(parts, answered, answer.reason)
    case 'refused':
      return refused(parts, answered, answer)
  }
}

async function notSent(parts: SenderParts, answered: Answered, answer: Of<'later'>): Promise<Sent> {
  const { project, begun, tries } = answered
  tellFailure(parts, answered, answer)
  const afterMs = answer.afterMs ?? backoffMs(tries + 1, Math.random())
  const sent = await release(parts, begun, { kind: 'again', parcels: begun, afterMs, reason: answer.reason })
  if (answer.rateLimited) await parts.pace.lower(project, answer.afterMs ?? 0)
  // Who sends less than that is answered.
  await tellBreaker(parts, answered, answer.rateLimited ? 'well' : 'failed')
  return sent
}

async function refused(parts: SenderParts, answered: Answered, answer: Of<'refused'>): Promise<Sent> {
  const { lane, begun } = answered
  const { status, code, message } = answer
  parts.emit('request.refused', { lane, status, code, message, ms: Math.round(answered.ms) })
  if (status === 401 || status === 403) {
    const reason = `Expo refuses the access token: ${message}`
    const sent = await release(parts, begun, { kind: 'again', parcels: begun, afterMs: 0, reason })
    await tellBreaker(parts, answered, { unauthorized: reason })
    return sent
  }
  const sent = await divideRequest(parts, begun, answered.request, answer)
  await tellBreaker(parts, answered, 'well')
  return sent
}

/** Each delivery counts its own ambiguous answers: what may not be repeated ends as `unknown`, for people to see. */
async function repeatOrGiveUp(parts: SenderParts, answered: Answered, reason: string): Promise<Sent> {
  const counted = ({ delivery }: Begun) => ({ ...delivery, ambiguous: delivery.ambiguous + 1 })
  const isOver = (one: Begun) => !mayRepeat(counted(one), one.notification.on_unknown)
  const over = answered.begun.filter(isOver)
  const again = answered.begun.filter((one) => !isOver(one)).map((one) => ({ ...one, delivery: counted(one) }))
  const held = again.map((one) => one.held)
  await untilSaved(parts.clock, parts.emit, () => repeatAmbiguous(parts.db, held))
  const unknown = over.map((one) => settleAll(one, one.held, RESULT.unknown))
  await settleInto(parts, answered.lane, unknown)
  await tellBreaker(parts, answered, 'failed')
  if (again.length === 0) return { kind: 'done' }
  return { kind: 'again', parcels: again, afterMs: repeatAfterMs(parts, answered, again), reason }
}

/**
 * The last repeat waits, where Expo seems to be down: a short outage would use up all. Not for whoever looks at the answer to a test push, nor
 * past the time of one that would have none.
 */
function repeatAfterMs({ breaker }: SenderParts, { project, tries }: Answered, again: Begun[]): number {
  const soon = backoffMs(tries + 1, Math.random())
  const isLast = again.some(({ delivery }) => isLastChance(delivery))
  const isLookedAt = again.every(({ notification }) => notification.kind === 'test')
  const late = Math.round(LAST_REPEAT_MS * (1 + Math.random() * SPREAD))
  const isTooLate = again.some(({ notification }) => notification.left_ms <= late)
  if (!isLast || isLookedAt || isTooLate || !breaker.seemsDown(project)) return soon
  return Math.max(soon, late)
}

/** After the answer is saved, and never instead: what the breaker cannot write down now it learns from the next answer. */
async function tellBreaker(
  parts: SenderParts,
  { project }: Answered,
  answer: Parameters<SenderParts['breaker']['answered']>[1],
): Promise<void> {
  await parts.breaker.answered(project, answer).catch((error: unknown) => {
    if (!isDatabaseAway(error)) throw error
  })
}

function tellFailure(parts: SenderParts, { lane, ms }: Answered, answer: Of<'later' | 'ambiguous'>): void {
  const { reason, status } = answer
  const ambiguous = answer.kind === 'ambiguous'
  parts.emit('request.failed', {
    lane,
    reason,
    ambiguous,
    ms: Math.round(ms),
    ...(status === undefined ? {} : { status }),
  })
}
