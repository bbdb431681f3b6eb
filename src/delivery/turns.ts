/** Who may send when: a turn is a connection, and then a place in the pace. */
import type { Lane } from '../ports.ts'
import type { GiveBackPermit } from './connections.ts'
import type { Place } from './pace.ts'
import type { SenderParts } from './sending.ts'

type GiveBack = () => void

export interface Turn extends Place {
  /** The connection. */
  giveBack: GiveBack
}

export interface Turns {
  /** @returns nothing when the program is to stop. */
  take(lane: Lane, project: string | null, recipients: number): Promise<Turn | undefined>
  /** A direct request's permit, and its turn under way, before its intent is saved; nothing when all permits are taken. */
  ahead(project: string | null, recipients: number): HeadStart | undefined
}

/** So that the intent and the pace are written at the same time. */
export interface HeadStart {
  permit: GiveBackPermit
  turn: Promise<Turn | undefined>
  /** Gives back what is still held of both. */
  leave: GiveBack
}

/** One request a lane at a time: those that wait for the pace must not sit on the connections that the other lane could use. */
export function openTurns({ connections, pace, stop }: Pick<SenderParts, 'connections' | 'pace' | 'stop'>): Turns {
  const turns: Record<Lane, Promise<unknown>> = { direct: Promise.resolve(), broadcast: Promise.resolve() }
  const take: Turns['take'] = (lane, project, recipients) => {
    const turn = turns[lane].then(async () => {
      const giveBack = await connections.connection(lane)
      let place: Place | undefined
      try {
        place = await pace.take({ project, lane, recipients }, stop)
        return place && { ...place, giveBack }
      } finally {
        if (!place) giveBack()
      }
    })
    turns[lane] = turn.catch(() => undefined)
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
          (taken) => taken?.giveBack(),
          () => undefined,
        )
      }
      return { permit, turn, leave }
    },
  }
}
