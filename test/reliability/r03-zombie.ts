/**
 * R3. A worker that was only stopped comes back after its work was taken over: what it says then overwrites nothing,
 * and the tickets of what it had sent are kept. A real SIGSTOP: an async sleep would keep its heartbeat.
 */
import { until } from '../kit/guard.ts'
import { inWorld, POSTGRES, type Test } from './kit/battery.ts'
import { pause } from './kit/seed.ts'

export const r03: Test = {
  id: 'R3',
  promise: 'a worker stopped for longer than its heartbeat overwrites no ticket, and its late ones are kept',
  kinds: POSTGRES,
  async run(run) {
    const devices = run.of(2_500, 4_000, 20_000)
    return inWorld(run, { devices, fake: { latencyMs: [30, 90] } }, async (world) => {
      await world.start({ role: 'api' })
      const sleeper = await world.start({ role: 'worker', failpoint: 'before_save:2:stop' })
      const id = await world.mustPost()
      await until('the worker to fall asleep', () => sleeper.met() > 0)
      await world.start({ role: 'worker' })
      // Its requests are sent again by the other: until then, nobody has taken over.
      const takenOver = async () => ((await world.expo.report()).notifications[id]?.duplicates ?? 0) > 0
      await until('the other worker to take over', takenOver, { timeoutMs: 40_000, everyMs: 250 })
      run.note('taken over; waking it up')
      await pause(run.of(2_000, 3_000, 8_000))
      sleeper.signal('SIGCONT')
      await world.settled(60_000)
      await pause(1_000)
      return { faults: sleeper.met(), expected: { takeovers: 1, processes: 2 } }
    }).then(({ verdict, ...outcome }) => {
      if (!verdict) return outcome
      const problems = [...outcome.problems]
      const late = verdict.books.deliveries.filter((delivery) => delivery.late).length
      const stored = verdict.books.deliveries.flatMap((one) => one.ticket_ids ?? []).filter((ticket) => ticket !== null)
      const missing = verdict.truth.tickets.length - new Set(stored).size
      if (missing > 0) problems.push(`${missing} tickets were overwritten or thrown away`)
      return { ...outcome, faults: late, problems, measured: `${late} late answers kept` }
    })
  },
}
