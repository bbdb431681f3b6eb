/** What work there is, and what its jobs carry; store/queue keeps them. */

/** The span that the work goes on from, as a traceparent. */
interface Traced {
  trace?: string | undefined
}
type Sending = Traced & { notificationId: string; tries: number; asked?: number[] | undefined }

/** The page before waits for this project (empty: not known), and this one may wait for it for `forMs` more. */
interface HeldPage {
  project: string
  forMs: number
}

/** What each queue's jobs carry. `tries`: how often it was put off, for the backoff. `asked`: deliveries that have a receipts job already. */
export interface QueueData {
  'fan-out': Traced & { notificationId: string; page: number; held?: HeldPage | undefined }
  /** `baton`: the page of the fan-out that this chunk's end asks for. */
  'send-broadcast': Sending & { from: number; to: number; baton: number | null }
  'send-direct': Sending
  /** `tickets`: how many there are at most; jobs that do not say so share no call. */
  receipts: { deliveryIds: number[]; tries: number; tickets?: number }
  /** Counts a broadcast's whole audience, for progress only. */
  estimate: { notificationId: string }
  /** Brings back what a flood of dead push tokens has cost. */
  flood: { alarmId: number }
  upkeep: Record<string, never>
}
export type QueueName = keyof QueueData
export const QUEUE_NAMES = [
  'fan-out',
  'send-broadcast',
  'send-direct',
  'receipts',
  'estimate',
  'flood',
  'upkeep',
] as const satisfies QueueName[]

/** @param afterMs not before that many milliseconds from now, by the database's clock: for all of it, or for each. */
export type Enqueue = <Q extends QueueName>(
  queue: Q,
  data: QueueData[Q][],
  afterMs?: number | readonly number[],
) => Promise<void>

export interface Job<Q extends QueueName> {
  id: string
  queue: Q
  data: QueueData[Q]
  /** How often the queue has given it out again after a death or a give-back; also names this claim. */
  retryCount: number
  /** Aborts when the claim is lost: start no further request. */
  signal: AbortSignal
}
