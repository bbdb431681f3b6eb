/**
 * Who may use one of the few connections to Expo. Direct requests go first; when Expo is slow, broadcasts leave one
 * free for them. A permit covers the longer time from the saved intent to the saved answer, which is what a death can
 * repeat: at most twice as many of these as connections.
 */
import type { Lane } from '../ports.ts'

export interface Connections {
  /** Resolves with the function that gives it back. */
  permit(lane: Lane): Promise<() => void>
  connection(lane: Lane): Promise<() => void>
  /** How long Expo took, for the decision to keep a connection free. */
  took(ms: number): void
}

/** Expo is slow when the slowest tenth of its last answers took longer than this. */
const SLOW_MS = 1_000
const REMEMBERED = 50

export function openConnections(max: number): Connections {
  const times: number[] = []
  const slow = () => times.length >= 10 && percentile90(times) > SLOW_MS
  const connections = openGate(max, () => (slow() && max > 1 ? max - 1 : max))
  const permits = openGate(2 * max, () => Math.max(1, Math.min(Math.ceil(1.5 * max), 2 * max - 1)))
  return {
    permit: permits,
    connection: connections,
    took(ms) {
      times.push(ms)
      if (times.length > REMEMBERED) times.shift()
    },
  }
}

function percentile90(times: readonly number[]): number {
  const sorted = times.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length * 0.9)] ?? 0
}

/** @param mostBroadcasts how many of the places broadcasts may hold, asked each time. */
function openGate(places: number, mostBroadcasts: () => number): (lane: Lane) => Promise<() => void> {
  const held = { direct: 0, broadcast: 0 }
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

  return async (lane) => {
    await new Promise<void>((enter) => {
      waiting[lane].push(enter)
      admit()
    })
    let open = true
    return () => {
      if (!open) return
      open = false
      held[lane] -= 1
      admit()
    }
  }
}
