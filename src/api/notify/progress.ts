/** How far a notification has come: totals that balance, the rate of the last seconds, and when it will be done. */
import { hasEnded } from '../../domain/notification.ts'
import type { Db } from '../../store/database/db.ts'
import { estimateAudience } from '../../store/ledger/estimate.ts'
import type { Totals } from '../../store/ledger/ledger.ts'
import { countOpened, type NotificationRow, recentRate } from '../../store/views/notifications.ts'
import { exactTotals } from '../../store/views/totals.ts'

export interface Progress {
  state: NotificationRow['state']
  scheduled: boolean
  skip_reason: string | null
  postponed: string | null
  totals: Totals & { not_reached: number }
  /** How many devices the whole audience has. */
  estimated: number
  /** Devices a second that were settled lately. */
  rate: number
  /** Until nothing is left to send; null: nobody can tell. */
  eta_seconds: number | null
  opened: number
  finished_at: string | null
  /** Nothing in here will change any more. */
  final: boolean
}

/** @param row as it was read just now. */
export async function progressOf(db: Db, row: NotificationRow): Promise<Progress> {
  const totals = await exactTotals(db, row)
  const estimated = row.estimated ?? (await estimateAudience(db, row.id))
  const isOver = hasEnded(row.state)
  const moving = row.state === 'sending' || row.state === 'queued'
  const rate = moving && totals.targeted > 0 ? await recentRate(db, row.id) : 0
  const left = Math.max(estimated, totals.targeted) - (totals.targeted - totals.pending)
  return {
    state: row.state,
    scheduled: row.scheduled,
    skip_reason: row.skip_reason,
    postponed: row.postponed,
    totals: { ...totals, not_reached: notReached(row, totals, estimated) },
    estimated,
    rate: Math.round(rate),
    eta_seconds: moving && !row.scheduled && rate > 0 ? Math.ceil(left / rate) : null,
    opened: await countOpened(db, row.id),
    finished_at: row.finished_at?.toISOString() ?? null,
    final: isOver && totals.pending === 0 && totals.awaiting_receipt === 0,
  }
}

/** A cancel, or the end of its time, leaves the rest of the audience unread: nobody of them was targeted. */
export function notReached(row: Pick<NotificationRow, 'state'>, totals: Totals, estimated: number | null): number {
  const wasCut = row.state === 'cancelled' || row.state === 'expired'
  return wasCut && estimated !== null ? Math.max(0, estimated - totals.targeted) : 0
}
