/** How long a POST of a message takes: with nothing else to do, and while a broadcast goes out as fast as it can. */
import { setTimeout as wait } from 'node:timers/promises'
import { type Belfry, openBelfry } from '../contestants/belfry.ts'
import { openCluster } from '../contestants/cluster.ts'
import type { Ground } from '../kit/part.ts'
import { sendMessage } from '../kit/person.ts'
import { type Open, withOpen } from '../kit/rounds.ts'
import { median, quantile } from '../kit/stats.ts'
import { type Aim, atMost, type Group, type Row } from '../report/figures.ts'

/** Whether or not the one before has been answered: people do not wait for each other. */
const EVERY_MS = 20
const SAMPLES_A_SINGLE = 5
const RECEIVERS = 1_000
/** Push tokens of the embedded database; a million would take it minutes to make. */
const MOST_EMBEDDED = 100_000

type Way = { kind: string; open: (ground: Ground, open: Open) => Promise<Belfry> }

const ways: Way[] = [
  {
    kind: 'PostgreSQL, one process',
    open: ({ expo, postgres, size }, open) => open(openBelfry({ name: 'all', expo, postgres, devices: size.crowd })),
  },
  {
    kind: 'PostgreSQL, API and worker apart',
    async open({ expo, postgres, size }, open) {
      const cluster = await open(openCluster({ expo, postgres, devices: size.crowd }))
      const worker = await open(cluster.startWorker())
      return cluster.contestant('apart', worker.pid)
    },
  },
  {
    kind: 'embedded',
    open: ({ expo, size }, open) =>
      open(openBelfry({ name: 'embedded', expo, devices: Math.min(MOST_EMBEDDED, size.crowd) })),
  },
]

export const postsSteps = ways.length * 2

export async function measurePosts(ground: Ground): Promise<{ group: Group; aims: Aim[] }> {
  const rows: Row[] = []
  const aims: Aim[] = []
  for (const way of ways) {
    await withOpen(async (open) => {
      ground.progress.step(`POST, idle, ${way.kind}`)
      const program = await way.open(ground, open)
      const { idle, during } = await idleAndDuring(ground, program, way.kind)
      rows.push(row(`idle, ${way.kind}`, idle), row(`during a broadcast, ${way.kind}`, during))
      if (way.kind === 'embedded') return
      const [before, meanwhile] = rows.slice(-2)
      const times = meanwhile!.value / before!.value
      aims.push(atMost(`POST p99 during a broadcast, to idle (${way.kind})`, times, 2, ' x'))
    })
  }
  const group: Group = {
    id: 'posts',
    title: 'A POST of a message, answered after its commit',
    unit: 'ms (p99)',
    better: 'less',
    rows,
    note: `A POST every ${EVERY_MS} ms, while a broadcast without pace goes to ${ground.size.crowd.toLocaleString('en')} devices (embedded: ${Math.min(MOST_EMBEDDED, ground.size.crowd).toLocaleString('en')}).`,
  }
  return { group, aims }
}

async function idleAndDuring({ expo, size, progress }: Ground, program: Belfry, kind: string) {
  const samples = size.singles * SAMPLES_A_SINGLE
  await expo.reset({ remember: false })
  // Twice: the first time is the warm-up.
  await timePosts(program.url, 100, () => false)
  const idle = await timePosts(program.url, samples, () => false)
  progress.step(`POST, during a broadcast, ${kind}`)
  const during: number[] = []
  while (during.length < samples) {
    const { id } = await program.post()
    let isOver = false
    const over = program.finished(id).then(() => {
      isOver = true
    })
    during.push(...(await timePosts(program.url, Number.POSITIVE_INFINITY, () => isOver)))
    await over
  }
  return { idle, during }
}

/** @returns milliseconds; NaN for one that was not answered well. */
async function timePosts(url: string, count: number, isOver: () => boolean): Promise<number[]> {
  const posts: Promise<number>[] = []
  while (posts.length < count && !isOver()) {
    const receiver = 1 + (posts.length % RECEIVERS)
    posts.push(
      sendMessage(url, receiver).then(
        ({ ms }) => ms,
        () => Number.NaN,
      ),
    )
    await wait(EVERY_MS)
  }
  return Promise.all(posts)
}

function row(name: string, times: number[]): Row {
  const answered = times.filter(Number.isFinite)
  const failed = times.length - answered.length
  return {
    name,
    value: quantile(answered, 0.99),
    runs: answered,
    ours: true,
    also: { 'median ms': median(answered), POSTs: times.length, ...(failed > 0 && { failed }) },
  }
}
