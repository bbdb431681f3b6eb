/** Whether somebody takes the work that waits: where no worker runs, everything else looks well. */
import { setTimeout as wait } from 'node:timers/promises'
import { type Answer, ask } from './ask.ts'
import { type Finding, fault, fine } from './finding.ts'

interface Depth {
  queue: string
  ready: number
  active: number
}

/** A worker takes in milliseconds what may be taken, and asks every second whether it has missed something. */
const LOOK_AGAIN_MS = 1_000
/** Something else may have become due at each look: work that is taken is seen to be by one of them. */
const LOOKS = 5

export async function work(url: string, key: string): Promise<Finding[]> {
  for (let look = 1; ; look++) {
    const depths = depthsOf(await ask(`${url}/api/operator/now`, key))
    if (depths === undefined) return []
    if (!isLeft(depths))
      return [fine('work', look === 1 ? 'No work waits for somebody to take it' : 'What waits is taken')]
    if (look === LOOKS) {
      const waiting = depths.filter(({ ready }) => ready > 0).map(({ queue, ready }) => `${queue} ${ready}`)
      return [fault('work', `Work waits and nobody takes it (${waiting.join(', ')})`, HINT)]
    }
    await wait(LOOK_AGAIN_MS)
  }
}

const HINT =
  'A server with ROLE=api does not send: start "belfry worker" on the same database, or see whether it still runs.'

const isLeft = (depths: Depth[]): boolean =>
  depths.some(({ ready }) => ready > 0) && depths.every(({ active }) => active === 0)

function depthsOf(answer: Answer | Error): Depth[] | undefined {
  if (answer instanceof Error || answer.status !== 200) return undefined
  return (answer.body as { queues?: Depth[] }).queues
}
