/**
 * R2. The program outlives its database: connections cut or silent, the server crashed, or not there at the start. It
 * answers 503 with Retry-After meanwhile, and nothing that was accepted is lost.
 */
import { call } from '../kit/call.ts'
import { until } from '../kit/guard.ts'
import { openPostgres } from '../kit/postgres.ts'
import { inWorld, POSTGRES, type Run, type Test } from './kit/battery.ts'
import { pause } from './kit/seed.ts'
import { talk, untilBusy, type World } from './kit/world.ts'

export const r02: Test = {
  id: 'R2',
  promise: 'connections cut or silent, PostgreSQL crashed or absent: the process lives, says 503, and loses nothing',
  kinds: POSTGRES,
  async run(run) {
    const cuts = run.of(2, 6, 20)
    const crashes = run.of(1, 2, 5)
    const devices = run.of(3_000, 10_000, 100_000)
    const postgres = await openPostgres(18, { durable: true })
    try {
      return await inWorld(run, { devices, postgres, proxied: true, fake: { latencyMs: [40, 160] } }, async (world) => {
        const problems: string[] = []
        await world.proxy!.refuse(true)
        const program = await world.start({ waitFor: 'spawned' })
        await until('the program to say that it waits', () =>
          program.lines.some((line) => line.includes('The database does not answer')),
        )
        await world.proxy!.refuse(false)
        await until('the program to be ready', () => program.lines.some((line) => line.includes('is ready at')), {
          timeoutMs: 60_000,
        })
        // Connections that nobody uses at that moment tell of their end to nobody in particular.
        await Promise.all(Array.from({ length: 10 }, () => world.call('GET', '/readyz')))
        await pause(200)
        world.proxy!.cut()
        await pause(500)
        if (!program.isRunning()) throw new Error('the process died of idle connections that were cut')
        const talking = talk(world, 20, () => run.chance.between(1, devices))
        let cutOff = 0
        await world.mustPost()
        for (let cut = 1; cut <= cuts; cut++) {
          await untilBusy(world, run.chance.between(1, 4), 5_000).catch(() => world.mustPost())
          cutOff += world.proxy!.cut() > 0 ? 1 : 0
          await pause(run.chance.between(50, 400))
        }
        // Every answer in small pieces, late.
        world.proxy!.slices(64)
        world.proxy!.latency(2)
        await world.mustPost()
        await pause(run.of(500, 1_000, 5_000))
        world.proxy!.slices(0)
        world.proxy!.latency(0)
        const silences = await fallSilent(run, world, problems)
        run.note(`${cutOff} cuts; ${world.accepted.size} notifications accepted`)
        for (let crash = 1; crash <= crashes; crash++) {
          await world.mustPost()
          await untilBusy(world, 2, 5_000).catch(() => undefined)
          await postgres.stop('immediate')
          problems.push(...(await whileAway(world)))
          await postgres.start()
          await until(
            'the program to be ready again',
            async () => (await world.call('GET', '/readyz')).status === 200,
            { timeoutMs: 30_000 },
          )
          run.note(`crash ${crash}`)
        }
        await talking.stop()
        await world.settled(run.of(120_000, 120_000, 400_000))
        if (!program.isRunning()) problems.push('the process has died')
        // A silence longer than a heartbeat may cost a takeover of what was in flight.
        const takeovers = silences + crashes
        return { faults: cutOff === cuts && silences > 0 ? cutOff + takeovers : 0, problems, expected: { takeovers } }
      })
    } finally {
      await postgres.close()
    }
  },
}

/** A statement's time limit, the next one's, and the time that a busy machine takes. */
const HEALED_WITHIN_MS = 45_000

/**
 * Nobody is told. After a failover the connections that there were never come back, while new ones work; behind a NAT, or
 * where a network is down, there is silence for half a minute, and then they are reset. @returns how many silences were met.
 */
async function fallSilent(run: Run, world: World, problems: string[]): Promise<number> {
  const healed = async (what: string) => {
    const from = performance.now()
    const id = await world.mustPost()
    // The queue has connections of its own.
    const begun = async () =>
      (await world.sql(`select from belfry.notifications where id = $1 and state <> 'queued'`, [id])).length > 0
    await until(`work to go on after ${what}`, begun, { timeoutMs: HEALED_WITHIN_MS })
    run.note(`${what}: worked on after ${((performance.now() - from) / 1_000).toFixed(1)} s`)
  }
  await untilBusy(world, 1, 5_000).catch(() => world.mustPost())
  const frozen = world.proxy!.freeze()
  await healed(`${frozen} connections silent for good`)
  if (run.size !== 'full') return Math.min(frozen, 1)
  await untilBusy(world, 1, 5_000).catch(() => world.mustPost())
  world.proxy!.blackhole(true)
  await pause(30_000)
  problems.push(...(await whileAway(world)))
  world.proxy!.blackhole(false)
  await healed('silence for half a minute')
  return Math.min(frozen, 1) + 1
}

async function whileAway(world: World): Promise<string[]> {
  const alive = await world.call('GET', '/healthz')
  const ready = await world.call('GET', '/readyz')
  const posted = await call('POST', world.programs.at(-1)!.url + '/api/notifications', {
    json: { to: 'everyone', title: 'Not now' },
    token: 'an-operator-key-that-only-the-tests-know',
  })
  const after = posted.headers['retry-after']
  return [
    ...(alive.status === 200 ? [] : [`/healthz answered ${alive.status} without a database`]),
    ...(ready.status === 503 ? [] : [`/readyz answered ${ready.status} without a database`]),
    ...(posted.status === 503 && after !== undefined
      ? []
      : [`a POST answered ${posted.status}, Retry-After ${String(after)}, without a database`]),
  ]
}
