/** Waiting for a place under Expo's limit. One asker a lane: the others queue up here, in memory, not at the database. */
import type { Clock, Lane } from '../ports.ts'
import type { Db } from '../store/db.ts'
import { MAX_RECIPIENTS, sizeBeside } from '../domain/requests.ts'
import { directRate, lowerPace, takeSlot } from '../store/pace.ts'

export interface Pace {
  /** @returns false when `stop` came first. */
  take(ask: { project: string | null; lane: Lane; recipients: number }, stop: AbortSignal): Promise<boolean>
  /** How many recipients the requests of a broadcast to these should have: full ones, but where direct ones share the second. */
  requestSize(project: string | null, count: number): Promise<number>
  /** Expo said 429. */
  lower(project: string | null, holdMs: number): Promise<void>
}

/** A direct request that waits asks again soon: its mark on the row lapses. */
const LONGEST_NAP_MS = 100
/** Fewer direct recipients a second than this cost less than smaller requests do. */
const LEAST_DIRECT = 0.5
/** Direct ones do not come evenly: room for more than their average. */
const DIRECT_SPREAD = 2
/** Expo names no time with a 429: the window it counts in is a second. */
const DEFAULT_HOLD_MS = 1_000

/** @param limit recipients a second, all processes together; 0: none, and the row is never touched. */
export function openPace(db: Db, clock: Clock, limit: number): Pace {
  const ask = async (request: { project: string | null; lane: Lane; recipients: number }, stop: AbortSignal) => {
    while (!stop.aborted) {
      const slot = await takeSlot(db, { ...request, project: request.project ?? '', perSecond: limit })
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
    async requestSize(project, count) {
      if (limit === 0) return MAX_RECIPIENTS
      const direct = await directRate(db, project ?? '')
      return sizeBeside(count, limit, direct < LEAST_DIRECT ? 0 : Math.ceil(direct * DIRECT_SPREAD))
    },
    async lower(project, holdMs) {
      if (limit > 0) await lowerPace(db, project ?? '', limit, holdMs || DEFAULT_HOLD_MS)
    },
  }
}
