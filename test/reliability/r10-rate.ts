/**
 * R10. Expo's limit is used, not broken: at 600 a second and 150 ms an answer at least 570 a second over the broadcast,
 * no 429 from a strict Expo, no sliding second above 600, however many workers; and a direct message does not wait.
 */
import { loadavg } from 'node:os'
import { added, inWorld, type Outcome, POSTGRES, type Run, type Test } from './kit/battery.ts'
import { until } from '../kit/guard.ts'
import { pause } from './kit/seed.ts'
import { tokenOf } from './kit/ground.ts'
import type { World } from './kit/world.ts'

const LIMIT = 600
const LEAST = 570
const DIRECT_P99_MS = 500

export const r10: Test = {
  id: 'R10',
  promise: '>= 570 of 600 a second, never above, with one worker and with three; a direct message does not wait',
  kinds: POSTGRES,
  async run(run) {
    const outcomes: Outcome[] = []
    for (const workers of run.of([3], [1, 3], [1, 3])) outcomes.push(await broadcast(run, workers))
    return added(outcomes)
  },
}

async function broadcast(run: Run, workers: number): Promise<Outcome> {
  const devices = run.of(4_000, 8_000, 30_000)
  const env = { EXPO_RATE_LIMIT: String(LIMIT) }
  const outcome = await inWorld(run, { devices, env, fake: { rateLimit: LIMIT, latencyMs: 150 } }, async (world) => {
    await world.start({ role: 'api' })
    for (let n = 0; n < workers; n++) await world.start({ role: 'worker' })
    const idle = await directs(world, run, 12, () => false)
    const id = await world.mustPost()
    let isOver = false
    const [busy] = await Promise.all([
      directs(world, run, 1_000, () => isOver),
      until('the end of the broadcast', async () => (await world.expo.pulse()).accepted >= devices, {
        timeoutMs: 180_000,
      }).finally(() => (isOver = true)),
    ])
    await world.settled(180_000)
    const { maxPerSecond, statuses, notifications } = await world.expo.report()
    const { firstAt, lastAt, accepted } = notifications[id]!
    const perSecond = Math.round((accepted - 100) / ((lastAt - firstAt) / 1_000))
    const [p50, p99] = [quantile(idle, 0.5), quantile(busy, 0.99)]
    const problems: string[] = []
    // What stands still on its way to Expo arrives in another second than it was counted in: a busy machine's doing.
    if (statuses['429']) problems.push(...run.tooSlow(`${statuses['429']} answers of 429`))
    if (maxPerSecond > LIMIT) problems.push(`${maxPerSecond} in a second, ${LIMIT} allowed`)
    if (perSecond + busy.length / ((lastAt - firstAt) / 1_000) < LEAST)
      problems.push(...run.tooSlow(`${perSecond}/s, ${LEAST} wanted`))
    if (p99 > DIRECT_P99_MS)
      problems.push(...run.tooSlow(`a direct message took ${p99.toFixed(0)} ms (p99), ${DIRECT_P99_MS} allowed`))
    const measured = `${workers} workers: ${perSecond}/s, max ${maxPerSecond}; direct p99 ${p99.toFixed(0)} ms of ${busy.length}, idle p50 ${p50.toFixed(1)} ms, machine's load ${loadavg()[0]!.toFixed(1)}`
    run.note(measured)
    return { faults: accepted, problems, measured, expected: { processes: workers, rateLimit: LIMIT, duplicates: 0 } }
  })
  return outcome
}

/** From the POST to the request at Expo, in milliseconds; one after the other. */
async function directs(world: World, run: Run, most: number, isOver: () => boolean): Promise<number[]> {
  const sent: { id: string; token: string; at: number }[] = []
  while (sent.length < most && !isOver()) {
    const n = run.chance.between(1, world.devices)
    const at = performance.timeOrigin + performance.now()
    const answer = await world.message(n)
    if (answer.status === 200) sent.push({ id: answer.body.notification_id, token: tokenOf(n), at })
    await pause(150)
  }
  await pause(500)
  const { notifications, times } = await world.expo.ledger()
  const arrived = new Map(notifications.map((id, place) => [id, times[place]!]))
  return sent.map(({ id, at }) => (arrived.get(id) ?? Number.POSITIVE_INFINITY) - at)
}

function quantile(list: number[], share: number): number {
  const sorted = list.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
