/**
 * One request to Expo, from the saved intent to the saved answer: claim, call, settle. No transaction is open while
 * the network is waited for. What comes of it is a value; who called decides when to go on.
 */
import { setImmediate as immediate } from 'node:timers/promises'
import { RESULT } from '../../domain/answers/result.ts'
import { failpoint } from '../../domain/failpoint.ts'
import { buildRequest } from '../../domain/messages/messages.ts'
import type { Lane } from '../../ports.ts'
import { type Begun, type Parcel, settleAll } from '../plan/parcel.ts'
import { addressed } from '../plan/plan.ts'
import { beginRequestSpan } from '../traced.ts'
import type { HeadStart } from '../turns/turns.ts'
import { conclude } from './conclude.ts'
import { type Answered, release, type SenderParts, type Sent, settleInto } from './sending.ts'

/** A request that waited longer for its turn reads its recipients again: whoever has logged out meanwhile expects silence. */
const ADDRESS_AGAIN_AFTER_MS = 1_000

/**
 * @param tries how often these have failed before, for the backoff.
 * @param start of parcels that are begun already; left here.
 */
export type Send = (lane: Lane, parcels: Parcel[], tries: number, start?: HeadStart) => Promise<Sent>

export function openSender(parts: SenderParts): Send {
  return async (lane, parcels, tries, start) => {
    const project = parcels[0]?.delivery.project ?? null
    const addressedAt = parts.clock.monotonic()
    const admission = start ? { kind: 'go' as const } : parts.breaker.look(project)
    if (admission.kind === 'wait') return { kind: 'held', afterMs: admission.ms, reason: admission.reason }
    const giveBackPermit = start?.permit ?? (await parts.connections.permit(lane))
    try {
      if (parts.stop.aborted && !start) return { kind: 'stopped' }
      const begun = await beginAll(parts, parcels, start !== undefined)
      await failpoint('after_intent')
      if (begun.length < parcels.length) return await release(parts, begun, { kind: 'not_begun' })
      return await sendBegun(parts, { lane, project, begun, tries, giveBackPermit }, addressedAt, start)
    } finally {
      giveBackPermit()
      start?.leave()
    }
  }
}

async function sendBegun(
  parts: SenderParts,
  { lane, project, begun: planned, ...more }: Omit<Answered, 'request' | 'ms'>,
  addressedAt: number,
  start: HeadStart | undefined,
): Promise<Sent> {
  let [begun, request] = [planned, buildRequest(planned.map(asPart))]
  if (request.slots.length === 0) return settleGone(parts, lane, begun)
  const taking = start?.turn ?? parts.turns.take(lane, project, request.slots.length)
  const turn = await taking.catch((error: unknown) => putBack(parts, begun, error))
  if (turn.kind !== 'go') return release(parts, begun, turn)
  const leaveTurn = (error: unknown) => {
    turn.giveBack()
    return putBack(parts, begun, error)
  }
  const admission = await parts.breaker.admit(project).catch(leaveTurn)
  if (admission.kind === 'wait') {
    turn.giveBack()
    return release(parts, begun, { kind: 'held', afterMs: admission.ms, reason: admission.reason })
  }
  if (parts.clock.monotonic() - addressedAt > ADDRESS_AGAIN_AFTER_MS) {
    begun = await addressAgain(parts, planned).catch(leaveTurn)
    request = buildRequest(begun.map(asPart))
    if (request.slots.length === 0) {
      turn.giveBack()
      return settleGone(parts, lane, begun)
    }
  }
  await turn.depart()
  const endSpan = parts.tracing && beginRequestSpan(parts.tracing, lane, begun, request.slots.length)
  const started = parts.clock.monotonic()
  let ms = 0
  const asked = parts.gateway.send(request.messages).finally(() => {
    ms = parts.clock.monotonic() - started
    // Before the connection is given back: who gets it depends on how slow Expo is.
    parts.connections.took(ms)
    turn.giveBack()
  })
  await failpoint('request_written')
  const answer = await asked
  endSpan?.(answer)
  // Those that wait for a connection send before this answer is judged and saved.
  await immediate()
  await failpoint('after_answer')
  return conclude(parts, { lane, project, begun, request, ms, ...more }, answer)
}

/** @param isBegun their intents were saved with their plan. What was begun here is put back when another cannot be. */
async function beginAll(parts: SenderParts, parcels: Parcel[], isBegun: boolean): Promise<Begun[]> {
  const held = await Promise.allSettled(
    parcels.map(async ({ held, delivery }) => (isBegun && held ? held : parts.begin(delivery))),
  )
  const begun = parcels.flatMap((parcel, index) => {
    const one = held[index]
    if (one?.status !== 'fulfilled' || !one.value) return []
    return { ...parcel, held: one.value, delivery: { ...parcel.delivery, attempt: one.value.attempt } }
  })
  const failed = held.find((one) => one.status === 'rejected')
  if (failed) await putBack(parts, begun, failed.reason)
  return begun
}

/** While a request waited for its turn, somebody may have logged out, or handed the phone on. */
async function addressAgain(parts: SenderParts, begun: Begun[]): Promise<Begun[]> {
  const now = await addressed(parts.db, begun)
  return begun.map((one, index) => ({ ...one, recipients: now[index]?.recipients ?? [] }))
}

/** The database went away before the request left: it was certainly not sent. */
async function putBack(parts: SenderParts, begun: Begun[], error: unknown): Promise<never> {
  await release(parts, begun, { kind: 'stopped' }).catch(() => undefined)
  throw error
}

/** Nobody in it can be reached any more. */
async function settleGone(parts: SenderParts, lane: Lane, begun: Begun[]): Promise<Sent> {
  const gone = begun.map((one) => settleAll(one, one.held, RESULT.skipped))
  await settleInto(parts, lane, gone)
  return { kind: 'done' }
}

function asPart(parcel: Parcel) {
  return {
    notificationId: parcel.notification.id,
    content: parcel.notification.content,
    recipients: parcel.recipients,
  }
}
