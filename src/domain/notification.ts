/** What is to be said, and to whom. */
import type { Platform } from './platform.ts'

export type Audience = ({ everyone: true } | { users: string[] } | { topic: string }) & { except?: string[] }

/** Options that Expo takes beside title, body and data; what is not named here is passed through as it is. */
export interface ExpoOptions {
  sound?: string | null
  priority?: 'default' | 'normal' | 'high'
  channelId?: string
  badge?: number
  [option: string]: unknown
}

export interface Content {
  title?: string
  body?: string
  data?: Record<string, unknown>
  options?: ExpoOptions
  /** Title and body by locale (`de`, `pt-BR`); a device whose locale is not in it gets the ones above. */
  localized?: Record<string, { title: string; body: string }>
}

export type NotificationKind = 'post' | 'message' | 'test' | 'notify'
export type NotificationState = 'queued' | 'sending' | 'paused' | 'finished' | 'cancelled' | 'expired'
/** Whether nothing of it is left to send; no state follows these. */
export const hasEnded = (state: NotificationState): boolean =>
  state === 'finished' || state === 'cancelled' || state === 'expired'

export type SkipReason = 'no_push_token' | 'disabled' | 'credentials'

/** One installation of the app, as a request to Expo needs it. */
export interface Recipient {
  /** The push token's row. */
  id: number
  token: string
  deviceType: Platform | null
  locale: string | null
  project: string | null
  /** Whose it is; a broadcast does not ask. */
  userId?: string
  /** Its app's Apple or Google key was refused: not sent to, but now and then probed. */
  suspended: boolean
  /** Kinds of notifications that its user does not want to hear. */
  muted?: NotificationKind[] | null
}

export type Device = Recipient & { userId: string }
