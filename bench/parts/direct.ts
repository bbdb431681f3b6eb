/** What one person notices: how soon their message leaves, how many can write at once, how long their POST takes. */
import { openBelfry } from '../contestants/belfry.ts'
import { openCluster } from '../contestants/cluster.ts'
import { EXPO_LIMIT } from '../kit/limit.ts'
import type { Ground, Part } from '../kit/part.ts'
import { withOpen } from '../kit/rounds.ts'
import {
  besideOneAtLimit,
  crowdAtLimit,
  type PostTimes,
  postsAims,
  postsGroup,
  postsSteps,
  timeProgram,
} from './posts.ts'
import { measureRates, messagesPerSecond, ratesSteps } from './rates.ts'
import { measureReach, reachSteps } from './reach.ts'

/** The rates take minutes in the full size; receipts of their messages must not come due while POSTs are timed. */
const RECEIPT_DELAY_MS = String(3_600_000)

export const direct: Part = {
  steps: ({ rounds }) => reachSteps + ratesSteps(2, rounds) + postsSteps(4) + 3,
  async run(ground) {
    const reach = await measureReach(ground)
    const { rates, onPostgres, embedded } = await oneProcess(ground)
    const apart = await apiAndWorkerApart(ground)
    const atLimit = await underLimit(ground)
    const posts = postsGroup(ground.size, [onPostgres, apart, atLimit, embedded])
    return { groups: [reach, ...rates, posts], aims: postsAims([onPostgres, apart, atLimit]) }
  },
}

/** Rates first and then POSTs, of the same two programs: to fill a database takes as long as to measure it. */
function oneProcess(ground: Ground) {
  return withOpen(async (open) => {
    const { expo, blanks, progress, size } = ground
    progress.step('direct messages and registrations: two databases')
    const common = { expo, blanks, env: { RECEIPT_DELAY_MS } }
    const [postgres, pglite] = await Promise.all([
      open(openBelfry({ ...common, name: 'PostgreSQL', on: 'postgres', devices: size.crowd })),
      open(openBelfry({ ...common, name: 'embedded', on: 'pglite', devices: size.crowdEmbedded })),
    ])
    return {
      rates: await measureRates(ground, [postgres, pglite]),
      onPostgres: await timeProgram(ground, 'PostgreSQL, one process', postgres),
      embedded: await timeProgram(ground, 'embedded', pglite),
    }
  })
}

function apiAndWorkerApart(ground: Ground): Promise<PostTimes> {
  return withOpen(async (open) => {
    const { expo, blanks, progress, size } = ground
    progress.step('POSTs: API and worker apart')
    const cluster = await open(openCluster({ expo, blanks, devices: size.crowd }))
    const worker = await open(cluster.startWorker())
    const program = await cluster.contestant('apart', worker.pid)
    // The others are warm by now.
    await messagesPerSecond(ground, program.url)
    return timeProgram(ground, 'PostgreSQL, API and worker apart', program)
  })
}

/** As it runs by default. */
function underLimit(ground: Ground): Promise<PostTimes> {
  return withOpen(async (open) => {
    const { expo, blanks, progress, size } = ground
    progress.step(`POSTs: ${EXPO_LIMIT} a second`)
    const env = { RECEIPT_DELAY_MS, EXPO_RATE_LIMIT: String(EXPO_LIMIT) }
    const devices = crowdAtLimit(size)
    const program = await open(openBelfry({ name: 'PostgreSQL', on: 'postgres', expo, blanks, devices, env }))
    await messagesPerSecond(ground, program.url)
    return timeProgram(ground, `PostgreSQL, one process, ${EXPO_LIMIT}/s`, program, besideOneAtLimit)
  })
}
