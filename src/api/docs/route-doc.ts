/** What the document says of a route beyond what its schema and its caller say. */
import type { FaultCode } from '../http/faults.ts'
import type { Schema } from './schemas.ts'

export interface RouteDoc {
  tag: keyof typeof tags
  summary: string
  description?: string
  /** Of the answer that is a success. */
  answer: Schema
  status?: number
  /** Another success, with a status of its own. */
  also?: { status: number; answer: Schema }
  /** When it is no JSON. */
  contentType?: string
  example?: unknown
  request?: unknown
  /** Other content types that its body may have. */
  alsoTakes?: string[]
  /** Faults of its own; those of its caller and of its body are known. */
  faults?: FaultCode[]
  /** Whether `Idempotency-Key` is honoured. */
  once?: boolean
}

export const tags = {
  Apps: 'What the app on a phone calls, for its own user; another backend may call it for a user whom it names.',
  Notifications: 'For other backends and for operators: say something to many, and see what became of it.',
  Operators: 'For the people who run this: the console and the command line speak this.',
  Server: 'How the server is.',
} as const
