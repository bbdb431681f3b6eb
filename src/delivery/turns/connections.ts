/**
 * Who may use one of the few connections to Expo. Direct requests go first; when Expo is slow, broadcasts leave as many
 * free for them as they need. A permit covers the longer time from the saved intent to the saved answer, which is what
 * a death can repeat: at most twice as many of these as connections.
 */
import type { Lane } from '../../ports.ts'

export interface Connections {
  /** For a request whose intent is saved with, or after, the answers that are on their way into the ledger. */
  permit(lane: Lane): Promise<GiveBackPermit>
  /** For a request whose intent waits for no answer. Undefined: all are taken, counting those whose answers are not saved yet. */
  permitNow(lane: Lane): GiveBackPermit | undefined
  /** @param hadLent whether it lent the one it had, and asks again: it is not counted as another request. */
  connection(lane: Lane, hadLent?: boolean): Promise<() => void>
  /** Whether a direct request waits for a connection. */
  isWanted(): boolean
  /** How long Expo took. */
  took(ms: number): void
  /** Whether there were answers, and more than half of the last ones came within so many milliseconds. */
  answerWithin(ms: number): boolean
}

/** @param saved the request's answer, on its way into the ledger; without one, there is nothing left to save. */
export type GiveBackPermit = (saved?: Promise<unknown>) => void

/** Expo is slow when the slowest tenth of its last answers took longer than this; faster, a connection is free soon. */
const SLOW_MS = 1_000
const REMEMBERED = 50
/** With fewer answers it is not known how slow Expo is, and broadcasts leave `FREE_UNTIL_KNOWN` connections free. */
const LEAST_ANSWERS = 4
const FREE_UNTIL_KNOWN = 2
/** Permits that broadcasts leave to direct requests. */
const LEFT_TO_DIRECTS = 2
/** How far back direct requests are counted. */
const DIRECT_MEMORY_MS = 10_000

/**
 * @param now milliseconds of a clock that never jumps.
 * @param isPaced whether there is a pace: requests that wait for it hold their permits meanwhile.
 */
export function openConnections(max: number, now: () => number, isPaced: boolean): Connections {
  const times: number[] = []
  const directs: number[] = []
  /** How many direct requests came in the last seconds; when older ones came is forgotten. */
  function directsLately(): number {
    while (directs[0] !== undefined && now() - directs[0] >= DIRECT_MEMORY_MS) directs.shift()
    return directs.length
  }

  /**
   * How many connections broadcasts leave free while Expo is slow: one for each second that an answer takes, if two are left to
   * them; and at least as many as direct requests use at once, which is their average and twice its square root, for chance.
   */
  function keptFree(): number {
    if (times.length < LEAST_ANSWERS) return Math.min(FREE_UNTIL_KNOWN, max - 1)
    if (!isSlow(times)) return 0
    const slowest = percentile90(times)
    const underWay = (directsLately() / DIRECT_MEMORY_MS) * slowest
    const forSome = Math.min(Math.ceil(slowest / 1_000), Math.max(1, max - 2))
    return Math.min(max - 1, Math.max(forSome, Math.ceil(underWay + 2 * Math.sqrt(underWay))))
  }

  /** How many permits: none where there is no pace, Expo is fast (one is soon free) and no direct request has come lately. */
  function leftToDirects(): number {
    const kept = keptFree()
    if (!isPaced && kept === 0 && directsLately() === 0) return 0
    return LEFT_TO_DIRECTS + Math.max(0, kept - 1)
  }

  const connections = openGate(max, () => max - keptFree())
  const permits = openGate(2 * max, () => Math.max(1, 2 * max - leftToDirects()))
  return {
    permit: (lane) => permits.enter(lane),
    permitNow: (lane) => permits.enterNow(lane),
    connection(lane, hadLent = false) {
      if (lane === 'direct' && !hadLent) {
        directs.push(now())
        directsLately()
      }
      return connections.enter(lane)
    },
    isWanted: () => connections.waits('direct'),
    took(ms) {
      times.push(ms)
      if (times.length > REMEMBERED) times.shift()
    },
    answerWithin: (ms) => countWithin(times, ms) * 2 > times.length,
  }
}

/** Whether the slowest tenth took more than `SLOW_MS`, without sorting: this is asked for every request. */
const isSlow = (times: readonly number[]) => countWithin(times, SLOW_MS) <= Math.floor(times.length * 0.9)

const countWithin = (times: readonly number[], most: number) =>
  times.reduce((count, ms) => (ms > most ? count : count + 1), 0)

/** Of the slowest tenth, the fastest. */
function percentile90(times: readonly number[]): number {
  const sorted = times.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length * 0.9)] ?? 0
}

interface Gate {
  enter(lane: Lane): Promise<GiveBackPermit>
  enterNow(lane: Lane): GiveBackPermit | undefined
  /** Whether somebody does. */
  waits(lane: Lane): boolean
}

/** @param mostBroadcasts how many of the places broadcasts may hold, asked each time. */
function openGate(places: number, mostBroadcasts: () => number): Gate {
  const held = { direct: 0, broadcast: 0 }
  let unsaved = 0
  const waiting: Record<Lane, (() => void)[]> = { direct: [], broadcast: [] }

  const mayEnter = (lane: Lane): boolean =>
    held.direct + held.broadcast < places && (lane === 'direct' || held.broadcast < mostBroadcasts())

  function admit(): void {
    for (const lane of ['direct', 'broadcast'] as const) {
      while (waiting[lane].length > 0 && mayEnter(lane)) {
        held[lane] += 1
        waiting[lane].shift()?.()
      }
    }
  }

  function wayOut(lane: Lane): GiveBackPermit {
    let open = true
    return (saved) => {
      if (!open) return
      open = false
      held[lane] -= 1
      if (saved) countUnsaved(saved)
      admit()
    }
  }

  function countUnsaved(saved: Promise<unknown>): void {
    unsaved += 1
    void Promise.allSettled([saved]).then(() => {
      unsaved -= 1
    })
  }

  return {
    async enter(lane) {
      await new Promise<void>((enter) => {
        waiting[lane].push(enter)
        admit()
      })
      return wayOut(lane)
    },
    enterNow(lane) {
      if (waiting[lane].length > 0 || !mayEnter(lane)) return undefined
      if (held.direct + held.broadcast + unsaved >= places) return undefined
      held[lane] += 1
      return wayOut(lane)
    },
    waits: (lane) => waiting[lane].length > 0,
  }
}
