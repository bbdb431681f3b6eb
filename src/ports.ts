/** The doors between the rooms: what delivery asks of the outside world, and the facts it tells. */

import type { Receipt, Ticket } from './domain/answers/verdict.ts'
import type { ExpoMessage } from './domain/messages/expo-message.ts'
import type { NotificationState, SkipReason } from './domain/notification.ts'

/** One HTTP call to Expo is answered by one of these values; it never throws for what Expo or the network did. */
export type SendAnswer =
  | { kind: 'tickets'; tickets: Ticket[] }
  /** Certainly not sent: no connection was made, or Expo said 429. */
  | { kind: 'later'; reason: string; status?: number; afterMs?: number; rateLimited?: boolean }
  /** It may have been sent: a timeout, a reset after writing, 5xx, an answer that cannot be read. */
  | { kind: 'ambiguous'; reason: string; status?: number }
  /** Expo refused the whole request (4xx): nothing was sent. */
  | { kind: 'refused'; status: number; code: string; message: string; details?: unknown }

export type ReceiptsAnswer =
  | { kind: 'receipts'; receipts: Map<string, Receipt> }
  | { kind: 'later'; reason: string; status?: number; afterMs?: number }
  /** Something in the call is not to Expo's liking: the same again will be refused again. */
  | { kind: 'refused'; status: number; code: string; message: string }

export interface PushGateway {
  /** At most 100 recipients of one project. Rejects only on a bug. */
  send(messages: ExpoMessage[]): Promise<SendAnswer>
  /** At most 1,000 ticket ids. */
  receipts(ticketIds: string[]): Promise<ReceiptsAnswer>
  close(): Promise<void>
}

/** Timeouts and waiting, by the process's clock; what is due is decided by the database's. */
export interface Clock {
  /** Milliseconds of a clock that never jumps. */
  monotonic(): number
  /** Resolves after `ms`, or at once when the signal aborts. */
  wait(ms: number, signal?: AbortSignal): Promise<void>
}

/** The HTTP requests that this process is answering, for work that can wait until they are answered. */
export interface Foreground {
  /** A request has come. @returns what to call when it has been answered. */
  enter(): () => void
  /** Resolves when none is being answered, or after a moment; where there always is one, at once. Never rejects. */
  clear(): Promise<void>
}

export type Lane = 'direct' | 'broadcast'

/** What happened, for whoever words the log and counts the metrics. No fact carries a whole push token. */
export interface Facts {
  'request.settled': {
    lane: Lane
    accepted: number
    refused: number
    ms: number
    project: string | null
    /** The refused ones, by Expo's code. */
    codes: Record<string, number>
  }
  'request.refused': { lane: Lane; status: number; code: string; message: string; ms: number }
  'request.failed': { lane: Lane; reason: string; status?: number; ambiguous: boolean; ms: number }
  /** Whether these were reached nobody knows, and they will not be tried again. */
  'recipients.unknown': { lane: Lane; count: number }
  /** Notifications that have come to their end together. */
  'notifications.ended': { lane: Lane; state: NotificationState; skipReason: SkipReason | null; count: number }
  'user.notified': { userId: string; notificationId: string; devices: number }
  'user.without_token': { userId: string; notificationId: string }
  /** What the receipts for some tickets said; those that are not there yet are not counted. */
  'receipts.settled': {
    handedOver: number
    failed: number
    noReceipt: number
    ms: number
    /** The failed ones, by Expo's code. */
    codes: Record<string, number>
  }
  'receipts.failed': { reason: string; status?: number; ms: number }
  'token.retired': { pushToken: string; stage: 'ticket' | 'receipt' }
  'tokens.suspended': { project: string | null; count: number }
  'tokens.restored': { project: string | null; deviceType: string | null; count: number }
  /** So many answers within an hour said DeviceNotRegistered that it is undone, and held until a person decides. */
  'flood.held': { project: string | null; gone: number }
  /** The push tokens that were retired in that hour are back. */
  'flood.undone': { restored: number }
  'breaker.opened': { project: string | null; reason: string; forMs: number }
  'breaker.closed': { project: string | null }
  'upkeep.done': Record<string, number>
  'job.failed': { queue: string; error: string }
  'queue.error': { error: string }
  'database.error': { error: string }
  /** @param route the route's pattern, never the address; undefined: there is no such route. */
  'http.answered': { method: string; route: string | undefined; status: number; ms: number; requestId: string }
  /** This version runs beside a newer one, on what that made of the database. */
  'database.newer': { migration: string }
  /** PostgreSQL has no users, and this folder has an embedded database. */
  'database.left': { folder: string }
  /** It has not ended yet. */
  'migration.running': { migration: string; seconds: number }
  /** Another process makes them, and this one waits for it. */
  'migration.awaited': { seconds: number }
}

/** Spans of traces. What they say of themselves never holds a push token, a bearer token or a body. */
export interface Tracing {
  begin(name: string, options: SpanOptions): Span
}

export type Attributes = Record<string, string | number | boolean>

export interface SpanOptions {
  kind: 'server' | 'consumer' | 'client'
  /** A W3C traceparent to go on from; without a valid one, a trace of its own begins. */
  parent?: string | undefined
  /** Traceparents of other spans that it has to do with. */
  links?: string[]
  attributes?: Attributes
}

export interface Span {
  /** Its W3C traceparent, for spans that go on from it. */
  traceparent: string
  /** Something that it turned out to have to do with. */
  link(traceparent: string): void
  end(how?: { attributes?: Attributes; failure?: string }): void
}

export type Emit = <Name extends keyof Facts>(name: Name, fact: Facts[Name]) => void
