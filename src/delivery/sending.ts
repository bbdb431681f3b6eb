/** What the steps of a request share: what they work with, what comes of it, and the way back. */
import type { Clock, Emit, PushGateway, Tracing } from '../ports.ts'
import type { Db } from '../store/db.ts'
import { releaseDeliveries } from '../store/deliveries.ts'
import type { Breaker } from './breaker.ts'
import type { Connections } from './connections.ts'
import type { Pace } from './pace.ts'
import type { Begun, Parcel } from './parcel.ts'
import { type Books, untilSaved } from './settle.ts'
import type { Turns } from './turns.ts'

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

/** Shorter waits are not worth giving the work back to the queue. */
export const INLINE_WAIT_MS = 2_000

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
