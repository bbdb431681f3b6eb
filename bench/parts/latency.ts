/** A broadcast when Expo takes 100 ms for each request, which is what it is like; and with more workers. */
import { openBelfry } from '../contestants/belfry.ts'
import { openCluster } from '../contestants/cluster.ts'
import { measure, openChild, type Run } from '../contestants/contestant.ts'
import type { Ground, Part } from '../kit/part.ts'
import type { Program } from '../kit/program.ts'
import { type Entry, marked, type Open, rowOf, takeTurns, turnsOf, withOpen } from '../kit/rounds.ts'
import { atLeast, type Group, type Outcome, rowNamed } from '../report/figures.ts'

const LATENCY_MS = 100
/** Six connections, a hundred recipients each, ten times a second. */
const MOST_PER_SECOND = (6 * 100 * 1_000) / LATENCY_MS
const WORKERS = 3
const names = {
  postgres: 'Belfry, PostgreSQL',
  pglite: 'Belfry, embedded',
  lists: 'SDK, 6 at once, lists',
  bare: 'bare HTTP loop',
}

export const latency: Part = {
  steps: ({ rounds }) => 2 + turnsOf(4, rounds) + rounds * WORKERS,
  run: (ground) =>
    withOpen(async (open) => {
      const alone = await oneProcess(ground, open)
      const workers = await severalWorkers(ground, open)
      return { groups: [alone, workers], aims: aimsOf(alone, workers) }
    }),
}

async function oneProcess(ground: Ground, open: Open): Promise<Group> {
  const { expo, blanks, progress, size } = ground
  const devices = size.slowDevices
  progress.step(`${LATENCY_MS} ms latency: ${devices.toLocaleString('en')} devices on two databases`)
  const entries: Entry[] = await Promise.all([
    marked(open(openBelfry({ name: names.postgres, expo, blanks, on: 'postgres', devices })), {
      ours: true,
      usesDatabase: true,
    }),
    marked(open(openBelfry({ name: names.pglite, expo, blanks, on: 'pglite', devices })), { ours: true }),
    open(openChild({ name: names.lists, program: 'sdk-lists', expo, devices })),
    open(openChild({ name: names.bare, program: 'bare', expo, devices })),
  ])
  return {
    id: 'latency',
    title: `Broadcast, Expo takes ${LATENCY_MS} ms`,
    unit: 'notifications a second',
    better: 'more',
    rows: await takeTurns(ground, entries, { rounds: size.rounds, latencyMs: LATENCY_MS }),
    note: `${devices.toLocaleString('en')} devices; six connections cannot send more than ${MOST_PER_SECOND.toLocaleString('en')} a second.`,
  }
}

/**
 * One, two, three, three, two, one: what slows the machine for a while slows all of them, and few must be started. Each
 * worker has as many devices, so that beginning and end weigh the same in all of them.
 */
async function severalWorkers(ground: Ground, open: Open): Promise<Group> {
  const { expo, blanks, progress, size } = ground
  const devices = size.slowDevices
  progress.step(`workers: ${devices.toLocaleString('en')} devices each`)
  const cluster = await open(openCluster({ expo, blanks, devices }))
  const workers: Program[] = []
  const broadcast = async (latencyMs: number) =>
    measure(await cluster.contestant('workers', workers[0]!.pid), { expo, latencyMs, databasePid: undefined })
  const counts = Array.from({ length: WORKERS }, (_, n) => n + 1)
  const runs = new Map<number, Run[]>(counts.map((count) => [count, []]))
  for (let round = 1; round <= size.rounds; round++) {
    for (const count of round % 2 === 1 ? counts : counts.toReversed()) {
      progress.step(`${nameOf(count)}, run ${round} of ${size.rounds}`)
      await cluster.resize(count * devices)
      while (workers.length > count) await workers.pop()!.close()
      while (workers.length < count) {
        workers.push(await open(cluster.startWorker()))
        // It warms up, for which Expo need not be slow.
        await broadcast(0)
      }
      runs.get(count)!.push(await broadcast(LATENCY_MS))
    }
  }
  const rows = [...runs].map(([count, all]) => {
    const { name, value, runs: each } = rowOf(nameOf(count), all)
    return {
      name,
      value,
      runs: each,
      ours: true,
      also: { 'of what is possible, %': (100 * value) / (count * MOST_PER_SECOND) },
    }
  })
  return {
    id: 'workers',
    title: `Broadcast by several workers, Expo takes ${LATENCY_MS} ms`,
    unit: 'notifications a second',
    better: 'more',
    rows,
    note: `${devices.toLocaleString('en')} devices for each worker on one PostgreSQL, and one process that answers HTTP.`,
  }
}

const nameOf = (workers: number): string => (workers === 1 ? '1 worker' : `${workers} workers`)

function aimsOf(alone: Group, workers: Group): Outcome['aims'] {
  const share = (group: Group, name: string, most = MOST_PER_SECOND) => (100 * rowNamed(group, name).value) / most
  const most = WORKERS * MOST_PER_SECOND
  return [
    atLeast(`PostgreSQL at ${LATENCY_MS} ms, of what is possible`, share(alone, names.postgres), 95, ' %'),
    atLeast(`embedded at ${LATENCY_MS} ms, of what is possible`, share(alone, names.pglite), 95, ' %'),
    atLeast(
      `${WORKERS} workers at ${LATENCY_MS} ms, of what is possible`,
      share(workers, nameOf(WORKERS), most),
      95,
      ' %',
    ),
  ]
}
