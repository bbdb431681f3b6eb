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
const LOOK_AGAIN_MS = 3_000

export async function work(url: string, key: string): Promise<Finding[]> {
  const look = async () => depthsOf(await ask(`${url}/api/operator/now`, key))
  const first = await look()
  if (first === undefined) return []
  if (!isLeft(first)) return [fine('work', 'No work waits for somebody to take it')]
  await wait(LOOK_AGAIN_MS)
  const again = await look()
  if (again === undefined) return []
  if (!isLeft(again)) return [fine('work', 'What waits is taken')]
  const waiting = again.filter(({ ready }) => ready > 0).map(({ queue, ready }) => `${queue} ${ready}`)
  return [fault('work', `Work waits and nobody takes it (${waiting.join(', ')})`, HINT)]
}

const HINT =
  'A server with ROLE=api does not send: start "belfry worker" on the same database, or see whether it still runs.'

const isLeft = (depths: Depth[]): boolean =>
  depths.some(({ ready }) => ready > 0) && depths.every(({ active }) => active === 0)

function depthsOf(answer: Answer | Error): Depth[] | undefined {
  if (answer instanceof Error || answer.status !== 200) return undefined
  return (answer.body as { queues?: Depth[] }).queues
}
