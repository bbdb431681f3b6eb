/**
 * R10. Expo's limit is used, not broken: at 600 a second and 150 ms an answer at least 570 a second over the broadcast,
 * no 429 from a strict Expo, no sliding second above 600, however many workers; and a direct message does not wait,
 * also while Expo takes 5 s for an answer.
 */
import { loadavg } from 'node:os'
import { until } from '../kit/guard.ts'
import { inTurn, inWorld, type Outcome, POSTGRES, type Run, type Test } from './kit/battery.ts'
import { tokenOf } from './kit/ground.ts'
import { pause } from './kit/seed.ts'
import type { World } from './kit/world.ts'

const LIMIT = 600
const LEAST = 570
/** A request that is held up arrives in another second than it was counted in; who does not count together asks for far more than that. */
const FAR_ABOVE = 1.5 * LIMIT
const DIRECT_P99_MS = 500
const SLOW_MS = 5_000
/** The program judges Expo by its last answers; it needs fewer than these. */
const ANSWERS_TO_KNOW = 12

export const r10: Test = {
  id: 'R10',
  promise:
    '>= 570 of 600 a second, never above, by one worker and by three; no direct message waits, though Expo takes 5 s',
  kinds: POSTGRES,
  run: (run) =>
    inTurn([
      ...run.of([3], [1, 3], [1, 3]).map((workers) => () => broadcast(run, workers)),
      () => besideSlowAnswers(run),
    ]),
}

async function broadcast(run: Run, workers: number): Promise<Outcome> {
  const devices = run.of(4_000, 8_000, 30_000)
  const env = { EXPO_RATE_LIMIT: String(LIMIT) }
  const outcome = await inWorld(run, { devices, env, fake: { rateLimit: LIMIT, latencyMs: 150 } }, async (world) => {
    await world.start({ role: 'api' })
    for (let n = 0; n < workers; n++) await world.start({ role: 'worker' })
    const idle = await directs(world, run, { most: 12 })
    const id = await world.mustPost()
    let isOver = false
    const [busy] = await Promise.all([
      directs(world, run, { most: 1_000, isOver: () => isOver }),
      until('the end of the broadcast', async () => (await world.expo.pulse()).accepted >= devices, {
        timeoutMs: 180_000,
      }).finally(() => (isOver = true)),
    ])
    await world.settled(180_000)
    const { maxAskedPerSecond, statuses, notifications } = await world.expo.report()
    const { firstAt, lastAt, accepted } = notifications[id]!
    const perSecond = Math.round((accepted - 100) / ((lastAt - firstAt) / 1_000))
    const [p50, p99] = [quantile(idle, 0.5), quantile(busy, 0.99)]
    const problems: string[] = []
    // What stands still on its way to Expo arrives in another second than it was counted in: a busy machine's doing.
    if (statuses['429']) problems.push(...run.tooSlow(`${statuses['429']} answers of 429`))
    if (maxAskedPerSecond > FAR_ABOVE) problems.push(`${maxAskedPerSecond} asked for in a second, ${LIMIT} allowed`)
    if (perSecond + busy.length / ((lastAt - firstAt) / 1_000) < LEAST)
      problems.push(...run.tooSlow(`${perSecond}/s, ${LEAST} wanted`))
    problems.push(...lateDirects(run, p99))
    const measured = `${workers} workers: ${perSecond}/s, max ${maxAskedPerSecond}; direct p99 ${p99.toFixed(0)} ms of ${busy.length}, idle p50 ${p50.toFixed(1)} ms, machine's load ${loadavg()[0]!.toFixed(1)}`
    run.note(measured)
    return { faults: accepted, problems, measured, expected: { processes: workers, rateLimit: LIMIT, duplicates: 0 } }
  })
  return outcome
}

/** Every connection would wait for Expo, and a direct message for one of them, if none were kept free. */
async function besideSlowAnswers(run: Run): Promise<Outcome> {
  const devices = run.of(3_000, 4_000, 6_000)
  const env = { EXPO_RATE_LIMIT: String(LIMIT) }
  const fake = { rateLimit: LIMIT, latencyMs: SLOW_MS }
  return inWorld(run, { devices, env, fake }, async (world) => {
    await world.start({ role: 'api' })
    await world.start({ role: 'worker' })
    await world.mustPost()
    await until('the program to know that Expo is slow', async () => (await answered(world)) >= ANSWERS_TO_KNOW)
    const waits = await directs(world, run, { most: run.of(4, 8, 30), everyMs: 2_000 })
    const { accepted } = await world.expo.pulse()
    // Beside a broadcast that had ended it proves nothing; and the rest of one that goes on need not take minutes.
    const faults = accepted < devices ? waits.length : 0
    await world.expo.plan({ latencyMs: 50 })
    await world.settled()
    const p99 = quantile(waits, 0.99)
    const measured = `Expo takes ${SLOW_MS} ms: direct p99 ${p99.toFixed(0)} ms of ${waits.length}, p50 ${quantile(waits, 0.5).toFixed(0)} ms`
    run.note(measured)
    return { faults, problems: lateDirects(run, p99), measured, expected: { rateLimit: LIMIT, duplicates: 0 } }
  })
}

async function answered(world: World): Promise<number> {
  const { requests, inFlight } = await world.expo.pulse()
  return requests - inFlight
}

function lateDirects(run: Run, p99: number): string[] {
  if (p99 <= DIRECT_P99_MS) return []
  return run.tooSlow(`a direct message took ${p99.toFixed(0)} ms (p99), ${DIRECT_P99_MS} allowed`)
}

interface Asked {
  most: number
  isOver?: () => boolean
  everyMs?: number
}

/** From the POST to the request at Expo, in milliseconds; one after the other. */
async function directs(
  world: World,
  run: Run,
  { most, isOver = () => false, everyMs = 150 }: Asked,
): Promise<number[]> {
  const sent: { id: string; token: string; at: number }[] = []
  while (sent.length < most && !isOver()) {
    const n = run.chance.between(1, world.devices)
    const at = performance.timeOrigin + performance.now()
    const answer = await world.message(n)
    if (answer.status === 200) sent.push({ id: answer.body.notification_id, token: tokenOf(n), at })
    await pause(everyMs)
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
