/** Contestants take turns, A B C A B C, so that what slows the machine for a while slows all of them. */
import { type Contestant, measure, type Run } from '../contestants/contestant.ts'
import type { Row } from '../report/figures.ts'
import type { Ground } from './part.ts'
import { median } from './stats.ts'

export interface Entry extends Contestant {
  ours?: boolean
  usesDatabase?: boolean
}

/** What the table must know of a contestant, besides. */
export async function marked(opening: Promise<Contestant>, marks: Omit<Entry, keyof Contestant>): Promise<Entry> {
  return { ...(await opening), ...marks }
}

export interface Turns {
  rounds: number
  latencyMs?: number
}

/** One round more than is counted: in the first everybody warms up, for which Expo need not be slow. */
export async function takeTurns(ground: Ground, entries: Entry[], { rounds, latencyMs = 0 }: Turns): Promise<Row[]> {
  const runs = new Map<string, Run[]>(entries.map(({ name }) => [name, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const entry of entries) {
      ground.progress.step(`${entry.name}, ${round === 0 ? 'warming up' : `run ${round} of ${rounds}`}`)
      const databasePid = entry.usesDatabase ? ground.postgres.pid() : undefined
      const run = await measure(entry, { expo: ground.expo, latencyMs: round === 0 ? 0 : latencyMs, databasePid })
      if (round > 0) runs.get(entry.name)?.push(run)
    }
  }
  return entries.map(({ name, ours }) => rowOf(name, runs.get(name) ?? [], ours))
}

export const turnsOf = (entries: number, rounds: number): number => entries * (rounds + 1)

export function rowOf(name: string, runs: Run[], ours = false): Row {
  const middle = (pick: (run: Run) => number) => median(runs.map(pick))
  return {
    name,
    ours,
    value: middle((run) => run.perSecond),
    runs: runs.map((run) => run.perSecond),
    also: {
      'CPU s a million': middle((run) => run.cpuPerMillion),
      'database CPU s a million': middle((run) => run.databaseCpuPerMillion),
      'peak RSS MB': Math.max(...runs.map((run) => run.peakRssMb)),
    },
  }
}

export type Open = <O extends { close(): Promise<void> }>(opening: Promise<O>) => Promise<O>

/** Whatever happens in between, what was opened is closed again, in reverse. */
export async function withOpen<T>(work: (open: Open) => Promise<T>): Promise<T> {
  await using opened = new AsyncDisposableStack()
  const openings: Promise<unknown>[] = []
  try {
    return await work((opening) => {
      const open = opening.then((one) => {
        opened.defer(() => one.close())
        return one
      })
      openings.push(open)
      return open
    })
  } finally {
    // Several may be opening at once: when one cannot, the others must have arrived before they can be closed.
    await Promise.allSettled(openings)
  }
}
