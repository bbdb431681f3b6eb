/** What Expo's answer to a request means for the deliveries in it, for the pace and for the breaker. */
import { backoffMs } from '../domain/backoff.ts'
import { mayRepeat } from '../domain/judge.ts'
import type { BuiltRequest } from '../domain/messages.ts'
import { RESULT } from '../domain/result.ts'
import type { Lane, SendAnswer } from '../ports.ts'
import { repeatAmbiguous } from '../store/deliveries.ts'
import { divideRequest } from './divide-request.ts'
import { type Begun, settleAll } from './parcel.ts'
import { release, type SenderParts, type Sent } from './sending.ts'
import { untilSaved } from './settle.ts'
import { settleTickets } from './settle-tickets.ts'

/** The request that was answered. */
export interface Answered {
  lane: Lane
  project: string | null
  begun: Begun[]
  request: BuiltRequest
  /** How often it had failed before. */
  tries: number
  ms: number
}

type Of<Kind extends SendAnswer['kind']> = Extract<SendAnswer, { kind: Kind }>

export async function conclude(parts: SenderParts, answered: Answered, answer: SendAnswer): Promise<Sent> {
  switch (answer.kind) {
    case 'tickets':
      await parts.breaker.answered(answered.project, 'well')
      await settleTickets(parts, answered, answer.tickets)
      return { kind: 'done' }
    case 'later':
      return notSent(parts, answered, answer)
    case 'ambiguous':
      tellFailure(parts, answered, answer)
      await parts.breaker.answered(answered.project, 'failed')
      return repeatOrGiveUp(parts, answered, answer.reason)
    case 'refused':
      return refused(parts, answered, answer)
  }
}

async function notSent(parts: SenderParts, answered: Answered, answer: Of<'later'>): Promise<Sent> {
  const { project, begun, tries } = answered
  tellFailure(parts, answered, answer)
  if (answer.rateLimited) await parts.pace.lower(project, answer.afterMs ?? 0)
  else await parts.breaker.answered(project, 'failed')
  const afterMs = answer.afterMs ?? backoffMs(tries + 1, Math.random())
  return release(parts, begun, { kind: 'again', parcels: begun, afterMs, reason: answer.reason })
}

async function refused(parts: SenderParts, answered: Answered, answer: Of<'refused'>): Promise<Sent> {
  const { lane, project, begun } = answered
  const { status, code, message } = answer
  parts.emit('request.refused', { lane, status, code, message })
  if (status === 401 || status === 403) {
    const reason = `Expo refuses the access token: ${message}`
    await parts.breaker.answered(project, { unauthorized: reason })
    return release(parts, begun, { kind: 'again', parcels: begun, afterMs: 0, reason })
  }
  await parts.breaker.answered(project, 'well')
  return divideRequest(parts, begun, answered.request, answer)
}

/** Each delivery counts its own ambiguous answers: what may not be repeated ends as `unknown`, for people to see. */
async function repeatOrGiveUp(parts: SenderParts, answered: Answered, reason: string): Promise<Sent> {
  const counted = answered.begun.map((one) => ({
    ...one,
    delivery: { ...one.delivery, ambiguous: one.delivery.ambiguous + 1 },
  }))
  const again = counted.filter((one) => mayRepeat(one.delivery, one.notification.on_unknown))
  const over = counted.filter((one) => !again.includes(one))
  const held = again.map((one) => one.held)
  await untilSaved(parts.clock, parts.emit, () => repeatAmbiguous(parts.db, held))
  await Promise.all(over.map((one) => parts.settle(settleAll(one, one.held, RESULT.unknown))))
  if (again.length === 0) return { kind: 'done' }
  return { kind: 'again', parcels: again, afterMs: backoffMs(answered.tries + 1, Math.random()), reason }
}

function tellFailure(parts: SenderParts, { lane }: Answered, answer: Of<'later' | 'ambiguous'>): void {
  const { reason, status } = answer
  const ambiguous = answer.kind === 'ambiguous'
  parts.emit('request.failed', { lane, reason, ambiguous, ...(status === undefined ? {} : { status }) })
}
