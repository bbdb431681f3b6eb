/** What delivery tells of ends: of notifications, and of recipients about whom nobody will ever know. */
import type { Emit, Lane } from '../ports.ts'
import type { Ended } from '../store/notifications/notifications.ts'

export function tellUnknown(emit: Emit, lane: Lane, count: number): void {
  if (count > 0) emit('recipients.unknown', { lane, count })
}

/** After the transaction that ended them has committed. Those that ended in the same way are told of together. */
export function tellEnded(emit: Emit, ended: readonly Ended[]): void {
  const alike = Map.groupBy(ended, ({ lane, state, skipReason }) => `${lane} ${state} ${skipReason}`)
  for (const group of alike.values()) emit('notifications.ended', { ...(group[0] as Ended), count: group.length })
}
