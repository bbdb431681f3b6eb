/** The process is killed in the middle of its work, again and again: nobody is lost, and few hear twice. */
import { describe, expect, test } from 'vitest'
import { until } from '../kit/guard.ts'
import { type World, worlds } from '../kit/world.ts'
import { talk } from './talk.ts'

const DEVICES = 20_000
/** Requests in flight between the saved intent and the saved answer, times their recipients (promise 3). */
const DUPLICATES_A_KILL = 1_200
/** The embedded database knows that it is alone; on PostgreSQL somebody else might have the work. */
const RESUMES_MS = { pglite: 5_000, postgres: 30_000 }
const KILLS = { pglite: 3, postgres: 2 }
/** Longer than the server waits for an answer. */
const NEVER_MS = 60_000

describe.each(worlds)('kill -9 $name', ({ kind, open }) => {
  test('during a broadcast: none lost, few doubled; what was answered with 2xx is kept', async () => {
    const world = await open({ fake: { latencyMs: 150 } })
    try {
      const crowd = await world.audience(DEVICES)
      const { body } = await world.user('ana').post()
      const said = new Map<string, string>()
      for (let kill = 1; kill <= KILLS[kind]; kill++) {
        await killInFlight(world, said)
        await world.restart()
      }
      const heard = async () => new Set(Object.keys(await world.expo.counts(body.notification_id)))
      await until('everybody', async () => (await heard()).size === DEVICES, { timeoutMs: 120_000, everyMs: 250 })
      await world.drain({ timeoutMs: 120_000 })
      expect(await heard()).toEqual(new Set(crowd))
      const { notifications, violations } = await world.expo.report()
      const duplicates = Object.values(notifications).reduce((sum, one) => sum + one.duplicates, 0)
      expect(duplicates).toBeLessThanOrEqual(KILLS[kind] * DUPLICATES_A_KILL)
      expect(violations).toEqual([])
      for (const [id, phone] of said) expect(Object.keys(await world.expo.counts(id))).toEqual([phone])
    } finally {
      await world.close()
    }
  })

  test('everything that was left to do was in flight: it goes on soon after the start', async () => {
    const world = await open({ fake: { latencyMs: NEVER_MS } })
    try {
      // As many requests as a broadcast begins with, before anything is known of Expo.
      const crowd = await world.audience(400)
      const { body } = await world.user('ana').post()
      await until('all requests in flight', async () => (await world.expo.pulse()).inFlight === 4, { everyMs: 5 })
      await world.server.kill9()
      await world.expo.plan({ latencyMs: 0 })
      await world.restart()
      const isSentAgain = async () => (await world.expo.pulse()).requests === 8
      await until('the repeats', isSentAgain, { timeoutMs: RESUMES_MS[kind] })
      await world.drain()
      expect(await world.expo.counts(body.notification_id)).toEqual(
        Object.fromEntries(crowd.map((token) => [token, 2])),
      )
      const [first, second] = await world.expo.pushes(crowd[0]!)
      // On the phone the repeat replaces what it repeats.
      expect(second!.message).toEqual(first!.message)
    } finally {
      await world.close()
    }
  })
})

/** A run whose kill met nothing in flight proves nothing, so it waits for that. */
async function killInFlight(world: World, said: Map<string, string>): Promise<void> {
  const before = (await world.expo.pulse()).requests
  const talking = talk(world, said)
  const busy = async () => {
    const { requests, inFlight } = await world.expo.pulse()
    return inFlight > 0 && requests >= before + 15
  }
  await until('requests in flight', busy, { timeoutMs: 120_000, everyMs: 5 })
  await world.server.kill9()
  await talking.stop()
}
