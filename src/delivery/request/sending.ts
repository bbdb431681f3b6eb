/** What the steps of a request share: what they work with, what comes of it, and the way back. */
import { all } from '../../domain/all.ts'
import { type Counts, countResults } from '../../domain/answers/result.ts'
import type { BuiltRequest } from '../../domain/messages/messages.ts'
import type { Clock, Emit, Lane, PushGateway, Tracing } from '../../ports.ts'
import type { Db } from '../../store/database/db.ts'
import { releaseDeliveries } from '../../store/ledger/deliveries.ts'
import type { Begun, Parcel } from '../plan/parcel.ts'
import { type Books, type Settlement, untilSaved } from '../settle/settle.ts'
import { tellUnknown } from '../tell.ts'
import type { Breaker } from '../turns/breaker.ts'
import type { Connections, GiveBackPermit } from '../turns/connections.ts'
import type { Pace } from '../turns/pace.ts'
import type { Turns } from '../turns/turns.ts'

export interface SenderParts extends Books {
  db: Db
  gateway: PushGateway
  clock: Clock
  emit: Emit
  tracing?: Tracing | undefined
  connections: Connections
  pace: Pace
  breaker: Breaker
  turns: Turns
  /** Aborts when the program is to stop: nothing new is begun. */
  stop: AbortSignal
}

/** The request that was answered. */
export interface Answered {
  lane: Lane
  project: string | null
  begun: Begun[]
  request: BuiltRequest
  /** How often it had failed before. */
  tries: number
  ms: number
  /** The next one's intent may be saved with this one's answer, and not before. */
  giveBackPermit: GiveBackPermit
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

/** Into the ledger; of whom nobody will ever know, it is told. @returns what came of all of them. */
export async function settleInto(
  { settle, emit }: Pick<SenderParts, 'settle' | 'emit'>,
  lane: Lane,
  settlements: Settlement[],
): Promise<Counts> {
  await all(settlements.map(settle))
  const counts = countResults(settlements.flatMap((one) => one.settled.results))
  tellUnknown(emit, lane, counts.unknown)
  return counts
}

/** Certainly not sent: back to the plan. */
export async function release<S extends Sent>(
  parts: Pick<SenderParts, 'db' | 'clock' | 'emit'>,
  begun: Begun[],
  sent: S,
): Promise<S> {
  const held = begun.map((one) => one.held)
  await untilSaved(parts.clock, parts.emit, () => releaseDeliveries(parts.db, held))
  return sent
}
