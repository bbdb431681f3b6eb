/** A delivery of the ledger together with what is needed to send it now. */
import { goneResult } from '../../domain/answers/judge.ts'
import type { Result } from '../../domain/answers/result.ts'
import type { Recipient } from '../../domain/notification.ts'
import type { Held } from '../../store/ledger/deliveries.ts'
import type { OpenDelivery } from '../../store/ledger/plan.ts'
import type { Notification } from '../../store/notifications/notifications.ts'
import type { Settlement } from '../settle/settle.ts'

/** One delivery on its way: what the ledger holds of it, and to whom it goes just now. */
export interface Parcel {
  delivery: OpenDelivery
  notification: Notification
  /** In the order of the delivery's push tokens; null: gone since it was planned, and not sent to. */
  recipients: (Recipient | null)[]
  /** Its intent was saved with its plan. */
  held?: Held
}

/** A parcel whose intent is saved. */
export type Begun = Parcel & { held: Held }

/** The same result for everybody who could be reached. */
export function settleAll(parcel: Parcel, held: Held, result: Result): Settlement {
  const results = parcel.recipients.map((recipient) => (recipient ? result : goneResult(parcel.delivery)))
  return { settled: { ...held, results, ticketIds: null }, refused: [], project: parcel.delivery.project }
}
