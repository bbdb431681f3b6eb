/** What is known about one user and one notification, before it is put into words. */

import type { ResultName } from '../answers/result.ts'
import type { Audience, NotificationKind, NotificationState } from '../notification.ts'
import type { Platform } from '../platform.ts'

export interface ExplainFacts {
  userId: string
  name: string | null
  known: boolean
  muted: boolean
  subscribed: boolean
  openedAt: Date | null
  notification: {
    id: string
    kind: NotificationKind
    audience: Audience
    state: NotificationState
    skip_reason: string | null
    postponed: string | null
    created_by: string | null
    created_at: Date
    send_at: Date | null
    expires_at: Date
    finished_at: Date | null
    scheduled: boolean
  }
  devices: DeviceFacts[]
}

export interface DeviceFacts {
  pushToken: string
  deviceType: Platform | null
  ownedBy: string
  active: boolean
  inactiveReason: string | null
  inactiveAt: Date | null
  createdAt: Date
  /** After the notification was made: not in its audience. */
  registeredLater: boolean
  history: { at: Date; kind: string; userId: string | null; fromUserId: string | null; detail: string | null }[]
  deliveries: {
    /** As the ledger has it: 0 planned, 1 sending, 2 settled. */
    state: number
    result: ResultName
    attempt: number
    ambiguous: number
    deaths: number
    late: boolean
    skipReason: string | null
    ticketId: string | null
    sentAt: Date | null
    settledAt: Date | null
    recipients: number
  }[]
  refusals: { stage: string; code: string | null; message: string; at: Date }[]
}
