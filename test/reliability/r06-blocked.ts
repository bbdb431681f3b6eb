/**
 * R6. A process whose event loop stands still for longer than its heartbeat is taken over at most once, guarded; it
 * shows that it is not ready, and loses nothing when it wakes up.
 */
import { until } from '../kit/guard.ts'
import { inTurn, inWorld, type Outcome, POSTGRES, type Run, type Test } from './kit/battery.ts'
import { pause } from './kit/seed.ts'

export const r06: Test = {
  id: 'R6',
  promise: 'an event loop that stands still: at most one takeover a stall, and readiness is red meanwhile',
  kinds: POSTGRES,
  run: (run) => inTurn(run.of([16], [4, 16], [5, 40]).map((seconds) => () => stall(run, seconds))),
}

async function stall(run: Run, seconds: number): Promise<Outcome> {
  const devices = run.of(2_500, 3_000, 20_000)
  const isShort = seconds < 8
  return inWorld(run, { devices, fake: { latencyMs: [30, 90] } }, async (world) => {
    const problems: string[] = []
    const blocked = await world.start({ role: 'all', failpoint: `before_save:2:block:${seconds * 1_000}` })
    await world.mustPost()
    await until('the event loop to stand still', () => blocked.met() > 0)
    const ready = fetch(`${blocked.url}/readyz`, { signal: AbortSignal.timeout(2_000) }).then(
      (answer) => answer.status,
      () => 0,
    )
    if ((await ready) === 200) problems.push('it says that it is ready while it stands still')
    await world.start({ role: 'worker' })
    await pause(seconds * 1_000)
    await world.settled(60_000)
    await pause(1_000)
    run.note(`${seconds} s`)
    return {
      faults: blocked.met(),
      problems,
      expected: { processes: 2, ...(isShort ? { duplicates: 0 } : { takeovers: 1 }) },
    }
  }).then(({ verdict, ...outcome }) => {
    const deaths = Math.max(0, ...(verdict?.books.deliveries.map((one) => one.deaths) ?? []))
    if (deaths > (isShort ? 0 : 1)) outcome.problems.push(`taken over ${deaths} times in one stall`)
    return outcome
  })
}
