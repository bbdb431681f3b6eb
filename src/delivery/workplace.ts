/** What every kind of work here has at hand. */
import type { Clock, Emit, Foreground, PushGateway, Tracing } from '../ports.ts'
import type { Db } from '../store/database/db.ts'
import type { Queue } from '../store/queue/queue.ts'
import type { Tally } from './settle/tally.ts'
import type { Breaker } from './turns/breaker.ts'
import type { Connections } from './turns/connections.ts'
import type { Pace } from './turns/pace.ts'
import type { Turns } from './turns/turns.ts'

export interface DeliveryOptions {
  /** Notifications a second, all processes together; 0: no limit. */
  rateLimit: number
  maxConcurrentRequests: number
  timeoutMs: number
  receiptDelayMs: number
  /** False: everything is accepted and ends as skipped, nothing is sent. */
  pushesEnabled: boolean
}

export interface DeliveryParts {
  db: Db
  queue: Queue
  gateway: PushGateway
  clock: Clock
  emit: Emit
  /** Without it there are no traces. */
  tracing?: Tracing | undefined
  /** Without it nobody is answered here. */
  foreground?: Foreground | undefined
  options: DeliveryOptions
}

export interface Workplace extends DeliveryParts {
  breaker: Breaker
  connections: Connections
  pace: Pace
  turns: Turns
  tally: Tally
}
