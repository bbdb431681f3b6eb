/** Waiting for a place under Expo's limit. One asker a lane: the others queue up here, in memory, not at the database. */
import type { Clock, Lane } from '../ports.ts'
import type { Db } from '../store/db.ts'
import { lowerPace, takeSlot } from '../store/pace.ts'

export interface Pace {
  /** @returns false when `stop` came first. */
  take(ask: { project: string | null; lane: Lane; recipients: number }, stop: AbortSignal): Promise<boolean>
  /** Expo said 429. */
  lower(project: string | null, holdMs: number): Promise<void>
}

/** Expo measures where it receives, and requests do not all travel equally long: 600 paced at 600 was seen to arrive as 700. */
const SAFETY = 0.975
/** A direct request that waits asks again soon: its mark on the row lapses. */
const LONGEST_NAP_MS = 100
/** Expo names no time with a 429: the window it counts in is a second. */
const DEFAULT_HOLD_MS = 1_000

/** @param limit recipients a second, all processes together; 0: none, and the row is never touched. */
export function openPace(db: Db, clock: Clock, limit: number): Pace {
  const perSecond = limit * SAFETY
  const ask = async (request: { project: string | null; lane: Lane; recipients: number }, stop: AbortSignal) => {
    while (!stop.aborted) {
      const slot = await takeSlot(db, { ...request, project: request.project ?? '', perSecond })
      if (slot.taken) return true
      if (slot.waitMs > 0) await clock.wait(Math.min(Math.max(1, slot.waitMs), LONGEST_NAP_MS), stop)
    }
    return false
  }
  const last: Record<Lane, Promise<unknown>> = { direct: Promise.resolve(), broadcast: Promise.resolve() }
  return {
    take(request, stop) {
      if (limit === 0) return Promise.resolve(!stop.aborted)
      const turn = last[request.lane].then(() => ask(request, stop))
      last[request.lane] = turn.catch(() => undefined)
      return turn
    },
    async lower(project, holdMs) {
      if (limit > 0) await lowerPace(db, project ?? '', perSecond, holdMs || DEFAULT_HOLD_MS)
    },
  }
}
