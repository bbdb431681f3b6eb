/**
 * R2. The program outlives its database: connections cut, the server crashed, or not there at the start. It answers 503
 * with Retry-After meanwhile, and nothing that was accepted is lost.
 */
import { call } from '../kit/call.ts'
import { until } from '../kit/guard.ts'
import { openPostgres } from '../kit/postgres.ts'
import { inWorld, POSTGRES, type Test } from './kit/battery.ts'
import { pause } from './kit/seed.ts'
import { talk, untilBusy, type World } from './kit/world.ts'

export const r02: Test = {
  id: 'R2',
  promise: 'connections cut, PostgreSQL crashed or absent: the process lives, says 503, and loses nothing',
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
        if (run.size === 'full') {
          // Half dead: connected, and silent for longer than a query may take.
          world.proxy!.blackhole(true)
          await pause(12_000)
          world.proxy!.blackhole(false)
        }
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
        return { faults: cutOff === cuts ? cutOff + crashes : 0, problems, expected: { takeovers: crashes } }
      })
    } finally {
      await postgres.close()
    }
  },
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
