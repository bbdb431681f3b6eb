/**
 * One request to Expo, from the saved intent to the saved answer: claim, call, settle. No transaction is open while
 * the network is waited for. What comes of it is a value; who called decides when to go on.
 */
import { backoffMs } from '../domain/backoff.ts'
import { mayRepeat } from '../domain/judge.ts'
import { buildRequest } from '../domain/messages.ts'
import { RESULT } from '../domain/result.ts'
import type { Clock, Emit, Lane, PushGateway, SendAnswer } from '../ports.ts'
import type { Db } from '../store/db.ts'
import { beginDeliveries, type Held, releaseDeliveries, repeatAmbiguous } from '../store/deliveries.ts'
import type { Breaker } from './breaker.ts'
import type { Connections } from './connections.ts'
import { divideRequest } from './divide-request.ts'
import { groupCommit } from './group-commit.ts'
import type { Pace } from './pace.ts'
import { type Parcel, settleAll } from './parcel.ts'
import { type Settlement, untilSaved } from './settle.ts'
import { settleTickets } from './settle-tickets.ts'

export interface SenderParts {
  db: Db
  gateway: PushGateway
  clock: Clock
  emit: Emit
  connections: Connections
  pace: Pace
  breaker: Breaker
  settle: (one: Settlement) => Promise<void>
  /** Aborts when the program is to stop: nothing new is begun. */
  stop: AbortSignal
}

export type Sent =
  | { kind: 'done' }
  /** Some of it was not begun: its notification may not go on, or somebody else holds it. */
  | { kind: 'not_begun' }
  /** The request was refused for something in it: these go on instead. */
  | { kind: 'divided'; requests: Parcel[][] }
  /** The same again, not before `afterMs`. */
  | { kind: 'again'; parcels: Parcel[]; afterMs: number; reason: string }
  /** Nothing may go to this project for now. */
  | { kind: 'held'; afterMs: number; reason: string }
  | { kind: 'stopped' }

/** A parcel whose intent is saved. */
export type Begun = Parcel & { held: Held }

export type Send = (lane: Lane, parcels: Parcel[], tries: number) => Promise<Sent>

/** Intents in one statement: as many as a process can have open at once. */
const MOST_INTENTS = 100

export function openSender(parts: SenderParts): Send {
  const begin = groupCommit(async (ids: number[]) => {
    const held = new Map((await beginDeliveries(parts.db, ids)).map((one) => [one.id, one]))
    return ids.map((id) => held.get(id))
  }, MOST_INTENTS)
  /** Broadcasts take a connection and then their place in the pace one by one, so that waiting holds one connection only. */
  const turns: Record<Lane, Promise<unknown>> = { direct: Promise.resolve(), broadcast: Promise.resolve() }

  async function send(lane: Lane, parcels: Parcel[], tries: number): Promise<Sent> {
    const project = parcels[0]?.delivery.project ?? null
    const admission = await parts.breaker.admit(project)
    if (admission.kind === 'wait') return { kind: 'held', afterMs: admission.ms, reason: admission.reason }
    const giveBackPermit = await parts.connections.permit(lane)
    try {
      if (parts.stop.aborted) return { kind: 'stopped' }
      const begun = await beginAll(parcels)
      if (begun.length < parcels.length) return await release(begun, { kind: 'not_begun' })
      const request = buildRequest(begun.map(asPart))
      if (request.slots.length === 0) return await settleGone(begun)
      const giveBackConnection = await takeTurn(lane, project, request.slots.length)
      if (!giveBackConnection) return await release(begun, { kind: 'stopped' })
      const started = parts.clock.monotonic()
      const answer = await parts.gateway.send(request.messages).finally(giveBackConnection)
      const ms = parts.clock.monotonic() - started
      parts.connections.took(ms)
      return await conclude(lane, begun, request, answer, { tries, ms })
    } finally {
      giveBackPermit()
    }
  }

  async function beginAll(parcels: Parcel[]): Promise<Begun[]> {
    const held = await Promise.all(parcels.map((parcel) => begin(parcel.delivery.id)))
    return parcels.flatMap((parcel, index) => {
      const one = held[index]
      return one ? [{ ...parcel, held: one }] : []
    })
  }

  async function takeTurn(lane: Lane, project: string | null, recipients: number): Promise<(() => void) | undefined> {
    const turn = turns[lane].then(async () => {
      const giveBack = await parts.connections.connection(lane)
      if (await parts.pace.take({ project, lane, recipients }, parts.stop)) return giveBack
      giveBack()
      return undefined
    })
    turns[lane] = turn.catch(() => undefined)
    return turn
  }

  async function settleGone(begun: Begun[]): Promise<Sent> {
    await Promise.all(
      begun.map((one) => parts.settle({ settled: settleAll(one, one.held, RESULT.skipped), refused: [] })),
    )
    return { kind: 'done' }
  }

  async function release<S extends Sent>(begun: Begun[], sent: S): Promise<S> {
    await untilSaved(parts.clock, parts.emit, () =>
      releaseDeliveries(
        parts.db,
        begun.map((one) => one.held),
      ),
    )
    return sent
  }

  async function conclude(
    lane: Lane,
    begun: Begun[],
    request: ReturnType<typeof buildRequest>,
    answer: SendAnswer,
    { tries, ms }: { tries: number; ms: number },
  ): Promise<Sent> {
    const project = begun[0]?.delivery.project ?? null
    switch (answer.kind) {
      case 'tickets':
        await parts.breaker.answered(project, 'well')
        await settleTickets(parts, { lane, begun, request, tickets: answer.tickets, ms })
        return { kind: 'done' }
      case 'later': {
        parts.emit('request.failed', { lane, reason: answer.reason, ambiguous: false, ...statusOf(answer) })
        if (answer.rateLimited) await parts.pace.lower(project, answer.afterMs ?? 0)
        else await parts.breaker.answered(project, 'failed')
        const afterMs = answer.afterMs ?? backoffMs(tries + 1, Math.random())
        return release(begun, { kind: 'again', parcels: begun, afterMs, reason: answer.reason })
      }
      case 'ambiguous':
        parts.emit('request.failed', { lane, reason: answer.reason, ambiguous: true, ...statusOf(answer) })
        await parts.breaker.answered(project, 'failed')
        return repeatOrGiveUp(begun, answer.reason, tries)
      case 'refused':
        parts.emit('request.refused', { lane, status: answer.status, code: answer.code, message: answer.message })
        if (answer.status === 401 || answer.status === 403) {
          const reason = `Expo refuses the access token: ${answer.message}`
          await parts.breaker.answered(project, { unauthorized: reason })
          return release(begun, { kind: 'again', parcels: begun, afterMs: 0, reason })
        }
        await parts.breaker.answered(project, 'well')
        return divideRequest(parts, begun, request, answer)
    }
  }

  /** Each delivery counts its own ambiguous answers: what may not be repeated ends as `unknown`, for people to see. */
  async function repeatOrGiveUp(begun: Begun[], reason: string, tries: number): Promise<Sent> {
    const counted = begun.map((one) => ({
      ...one,
      delivery: { ...one.delivery, ambiguous: one.delivery.ambiguous + 1 },
    }))
    const again = counted.filter((one) => mayRepeat(one.delivery, one.notification.on_unknown))
    const over = counted.filter((one) => !again.includes(one))
    await untilSaved(parts.clock, parts.emit, () =>
      repeatAmbiguous(
        parts.db,
        again.map((one) => one.held),
      ),
    )
    await Promise.all(
      over.map((one) => parts.settle({ settled: settleAll(one, one.held, RESULT.unknown), refused: [] })),
    )
    if (again.length === 0) return { kind: 'done' }
    return { kind: 'again', parcels: again, afterMs: backoffMs(tries + 1, Math.random()), reason }
  }

  return send
}

export function asPart(parcel: Parcel) {
  return {
    notificationId: parcel.notification.id,
    content: parcel.notification.content,
    recipients: parcel.recipients,
  }
}

function statusOf(answer: { status?: number }): { status?: number } {
  return answer.status === undefined ? {} : { status: answer.status }
}
