/** Waiting for a place under Expo's limit; who asks comes from `turns`, one at a time. */

import { MAX_RECIPIENTS, sizeBeside } from '../../domain/messages/requests.ts'
import type { Clock, Lane } from '../../ports.ts'
import type { Db } from '../../store/database/db.ts'
import { directRate, leftLate, lowerPace, takeSlot } from '../../store/ledger/pace.ts'
import { openDepartures } from './departures.ts'

export interface Pace {
  /** Whether one worker alone reaches the limit: then a broadcast waits for the pace, and for nothing else. */
  isNarrow: boolean
  /** Recipients in one request: what Expo takes, and what fits into the limit. */
  largestRequest: number
  /** @param lend runs each nap; the asker's connection may be another's meanwhile, and is the asker's again after it. */
  take(ask: Ask, stop: AbortSignal, lend: Lend): Promise<Place | NoPlace>
  /** How many recipients each request of a broadcast to `count` should have: as many as fit, unless direct ones share the limit. */
  requestSize(project: string | null, count: number): Promise<number>
  /** Expo said 429. */
  lower(project: string | null, holdMs: number): Promise<void>
}

export type Lend = (nap: () => Promise<void>) => Promise<void>

export interface Ask {
  project: string | null
  lane: Lane
  recipients: number
}

export interface Place {
  kind: 'go'
  /** Resolves when the request may leave, at once. It is then counted as having left. */
  depart(): Promise<void>
}

/** The program is to stop; or the next place is so far away that the notification may have ended by then. */
export type NoPlace = { kind: 'stopped' } | { kind: 'held'; afterMs: number; reason: string }

/** Shorter waits are not worth giving the work back to the queue. */
export const INLINE_WAIT_MS = 2_000

/** The window is longer than Expo's second: leaving less than this late breaks no limit. */
const LATE_MS = 8
const ANSWERS_REMEMBERED = 50
/** A direct request that waits asks again at least so often: its mark on the row lapses. */
const LONGEST_NAP_MS = 100
/** Fewer direct recipients a second than this cost less than smaller requests do. */
const LEAST_DIRECT = 0.5
/** Direct ones do not come evenly: room for more than their average. */
const DIRECT_SPREAD = 2
/** Expo names no time with a 429: the window it counts in is a second. */
const DEFAULT_HOLD_MS = 1_000
/** The reason that people read. */
const HELD = 'Expo has had too many requests'

/** What one worker can send while Expo takes 100 ms for an answer. */
const NARROW_UP_TO_PER_SECOND = 6_000

/** @param limit recipients a second, all processes together; 0: none, and the row is never touched. */
export function openPace(db: Db, clock: Clock, limit: number): Pace {
  const largestRequest = limit > 0 ? Math.min(MAX_RECIPIENTS, limit) : MAX_RECIPIENTS
  const pass = openDepartures(clock, limit)
  /** How long the database took lately. Its shortest time is part of every request, and makes none late. */
  const answerTimes: number[] = []
  const ask = async (request: Ask, stop: AbortSignal, lend: Lend): Promise<Place | NoPlace> => {
    const project = request.project ?? ''
    while (!stop.aborted) {
      const asked = clock.monotonic()
      const { at, waitMs } = await takeSlot(db, { ...request, project, perSecond: limit })
      answerTimes.push(clock.monotonic() - asked)
      if (answerTimes.length > ANSWERS_REMEMBERED) answerTimes.shift()
      if (at !== null) return { kind: 'go', depart: () => depart(request, asked, at) }
      if (waitMs > INLINE_WAIT_MS) return { kind: 'held', afterMs: waitMs, reason: HELD }
      if (waitMs > 0) await lend(() => clock.wait(Math.min(Math.max(1, waitMs), LONGEST_NAP_MS), stop))
    }
    return { kind: 'stopped' }
  }
  const depart = async ({ project, recipients }: Ask, asked: number, slotAt: string) => {
    await pass(project, recipients)
    // Not waited for: it matters to other processes within a second, and while the database is away they get no places.
    const lateMs = clock.monotonic() - asked - Math.min(...answerTimes)
    if (lateMs > LATE_MS)
      void leftLate(db, { project: project ?? '', recipients, slotAt, lateMs }).catch(() => undefined)
  }
  return {
    isNarrow: limit > 0 && limit <= NARROW_UP_TO_PER_SECOND,
    largestRequest,
    take(request, stop, lend) {
      if (limit > 0) return ask(request, stop, lend)
      return Promise.resolve(stop.aborted ? { kind: 'stopped' } : { kind: 'go', depart: async () => undefined })
    },
    async requestSize(project, count) {
      if (limit === 0) return largestRequest
      const direct = await directRate(db, project ?? '')
      return sizeBeside(count, limit, direct < LEAST_DIRECT ? 0 : Math.ceil(direct * DIRECT_SPREAD))
    },
    async lower(project, holdMs) {
      if (limit > 0) await lowerPace(db, project ?? '', limit, holdMs || DEFAULT_HOLD_MS)
    },
  }
}
