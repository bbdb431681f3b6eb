/** Who may send when: a turn is a connection, and then a place in the pace. */
import type { Lane } from '../../ports.ts'
import type { Connections, GiveBackPermit } from './connections.ts'
import type { Ask, Lend, NoPlace, Pace, Place } from './pace.ts'

type GiveBack = () => void

export interface Turn extends Place {
  /** The connection. */
  giveBack: GiveBack
}

export interface Turns {
  take(lane: Lane, project: string | null, recipients: number): Promise<Turn | NoPlace>
  /** For a direct request before its intent is saved: its permit, and its turn, which begins now. Undefined: no permit is free. */
  ahead(project: string | null, recipients: number): HeadStart | undefined
}

/** So that the intent and the pace are written at the same time. */
export interface HeadStart {
  permit: GiveBackPermit
  turn: Promise<Turn | NoPlace>
  /** Gives back what is still held of both. */
  leave: GiveBack
}

interface Parts {
  connections: Connections
  pace: Pace
  stop: AbortSignal
}

/**
 * Requests that wait for the pace must not occupy connections that others could use. So of broadcasts one at a time waits, of direct
 * requests one for each project (one project's wait is no other's), and each lends its connection to a direct request that needs
 * one. A place is asked for with a connection in hand, so that whoever gets it leaves at once.
 */
export function openTurns({ connections, pace, stop }: Parts): Turns {
  const last = new Map<string, Promise<unknown>>()
  const turnFor = async (ask: Ask): Promise<Turn | NoPlace> => {
    let giveBack = await connections.connection(ask.lane)
    const lend: Lend = async (nap) => {
      const isLent = connections.isWanted()
      if (isLent) giveBack()
      await nap()
      if (isLent) giveBack = await connections.connection(ask.lane, true)
    }
    let place: Place | NoPlace | undefined
    try {
      place = await pace.take(ask, stop, lend)
      return place.kind === 'go' ? { ...place, giveBack } : place
    } finally {
      if (place?.kind !== 'go') giveBack()
    }
  }
  const take: Turns['take'] = (lane, project, recipients) => {
    const queue = lane === 'direct' ? `direct ${project ?? ''}` : lane
    const turn = (last.get(queue) ?? Promise.resolve()).then(() => turnFor({ project, lane, recipients }))
    // Apps name their projects themselves: no queue is remembered for longer than somebody stands in it.
    const forget = () => last.get(queue) === over && last.delete(queue)
    const over: Promise<unknown> = turn.then(forget, forget)
    last.set(queue, over)
    return turn
  }
  return {
    take,
    ahead(project, recipients) {
      const permit = connections.permitNow('direct')
      if (!permit) return undefined
      const turn = take('direct', project, recipients)
      const leave = () => {
        permit()
        turn.then(
          (taken) => taken.kind === 'go' && taken.giveBack(),
          () => undefined,
        )
      }
      return { permit, turn, leave }
    },
  }
}
