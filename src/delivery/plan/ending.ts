/** Whether a notification may go on, and what becomes of what was planned when it may not. */
import { goneResult } from '../../domain/answers/judge.ts'
import { RESULT } from '../../domain/answers/result.ts'
import type { Db } from '../../store/database/db.ts'
import { closePlanned } from '../../store/ledger/deliveries.ts'
import { findPlan } from '../../store/ledger/plan.ts'
import type { Notification } from '../../store/notifications/notifications.ts'
import { DELIVERY_STATE } from '../../store/schema/tables.ts'
import { recipientsOf, settleUnknown } from './plan.ts'

export type Ending = 'cancelled' | 'expired' | 'disabled'

export function endingOf(notification: Notification, pushesEnabled: boolean): Ending | undefined {
  if (notification.state === 'cancelled') return 'cancelled'
  if (notification.left_ms === 0 || notification.state === 'expired') return 'expired'
  return pushesEnabled ? undefined : 'disabled'
}

const as = { cancelled: 'cancelled', expired: 'expired', disabled: 'skipped' } as const

/**
 * Closes the books of one piece of work: what was begun, once at least, and has no answer is unknown, the rest was never sent.
 * @returns how many are unknown.
 */
export async function closePlan(tx: Db, notification: Notification, chunk: number, ending: Ending): Promise<number> {
  const plan = await findPlan(tx, { notificationId: notification.id, chunk })
  if (!plan) return 0
  const begun = plan.open.filter((one) => one.state === DELIVERY_STATE.sending)
  const repeated = plan.open.filter((one) => one.state === DELIVERY_STATE.planned && goneResult(one) === RESULT.unknown)
  await settleUnknown(tx, begun)
  await closePlanned(tx, notification.id, chunk, as[ending], RESULT[as[ending]])
  return recipientsOf([...begun, ...repeated])
}
