/**
 * R17. More than it can take, and an audience larger than memory: it says 429, never 5xx, its memory does not grow with
 * the audience, and a direct message still goes out within a second.
 */
import { readFileSync } from 'node:fs'
import { inWorld, POSTGRES, type Test } from './kit/battery.ts'
import { pause } from './kit/seed.ts'

const MOST_MB = 512
const DIRECT_P99_MS = 1_000

export const r17: Test = {
  id: 'R17',
  promise: 'overload and a huge broadcast: under 512 MB, no 5xx, direct messages within a second',
  kinds: POSTGRES,
  async run(run) {
    const devices = run.of(20_000, 60_000, 1_000_000)
    const callers = run.of(60, 100, 200)
    return inWorld(run, { devices, fake: { latencyMs: [5, 20] } }, async (world) => {
      const program = await world.start()
      const statuses = new Map<number, number>()
      const sent = new Map<string, number>()
      const id = await world.mustPost()
      let isOver = false
      const caller = async () => {
        while (!isOver) {
          const at = performance.timeOrigin + performance.now()
          const answer = await world.message(run.chance.between(1, devices)).catch(() => undefined)
          const status = answer?.status ?? 0
          statuses.set(status, (statuses.get(status) ?? 0) + 1)
          if (answer?.status === 200) sent.set(answer.body.notification_id, at)
        }
      }
      const gentle = Array.from({ length: 4 }, caller)
      await pause(run.of(2_000, 4_000, 20_000))
      isOver = true
      await Promise.all(gentle)
      const calm = [...sent.entries()]
      isOver = false
      const crowd = Array.from({ length: callers }, caller)
      await pause(run.of(3_000, 5_000, 30_000))
      isOver = true
      await Promise.all(crowd)
      await world.settled(600_000)
      const peak = Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${program.pid}/status`, 'utf8'))?.[1]) / 1_024
      const { notifications, times } = await world.expo.ledger()
      const arrived = new Map(notifications.map((one, place) => [one, times[place]!]))
      const took = calm
        .map(([one, at]) => (arrived.get(one) ?? Number.POSITIVE_INFINITY) - at)
        .toSorted((a, b) => a - b)
      const p99 = took[Math.floor(took.length * 0.99)] ?? Number.NaN
      const bad = [...statuses].filter(([status]) => status >= 500 || status === 0)
      const problems = bad.map(([status, count]) => `${count} answers of ${status}`)
      if (peak > MOST_MB) problems.push(`${peak.toFixed(0)} MB, ${MOST_MB} allowed`)
      if (!(p99 <= DIRECT_P99_MS))
        problems.push(...run.tooSlow(`a direct message took ${p99.toFixed(0)} ms (p99) during the broadcast`))
      const measured = `${devices} devices, peak ${peak.toFixed(0)} MB, direct p99 ${p99.toFixed(0)} ms, statuses ${[...statuses].map((pair) => pair.join(':')).join(' ')}`
      run.note(measured)
      const during = calm.filter(([, at]) => at < (arrived.get(id) ?? 0)).length
      return { faults: during + sent.size, problems, measured, expected: { duplicates: 0 } }
    })
  },
}
