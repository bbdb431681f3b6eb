/** SIGTERM in the middle of work: what is in flight is finished, the rest waits for the next start, and nothing is doubled. */
import { describe, expect, test } from 'vitest'
import { until } from '../kit/guard.ts'
import { worlds } from '../kit/world.ts'
import { talk } from './talk.ts'

const DEVICES = 9_000
const STOPS = 3

describe.each(worlds)('SIGTERM $name', ({ open }) => {
  test('under load: exit 0 each time, nobody lost, nobody hears twice', async () => {
    const world = await open({ fake: { latencyMs: 150 } })
    try {
      const crowd = await world.audience(DEVICES)
      const { body } = await world.user('ana').post()
      const said = new Map<string, string>()
      for (let stop = 1; stop <= STOPS; stop++) {
        const before = (await world.expo.pulse()).requests
        const talking = talk(world, said)
        await until('requests in flight', async () => {
          const { requests, inFlight } = await world.expo.pulse()
          return inFlight > 0 && requests >= before + 12
        })
        expect(await world.server.stop()).toBe(0)
        expect((await world.expo.pulse()).inFlight).toBe(0)
        await talking.stop()
        await world.restart()
      }
      await world.expo.untilTaken(DEVICES + said.size, { timeoutMs: 120_000 })
      await world.drain()
      expect(await world.expo.counts(body.notification_id)).toEqual(
        Object.fromEntries(crowd.map((token) => [token, 1])),
      )
      for (const [id, phone] of said) expect(await world.expo.counts(id)).toEqual({ [phone]: 1 })
      expect(said.size).toBeGreaterThan(STOPS)
      expect((await world.expo.report()).violations).toEqual([])
    } finally {
      await world.close()
    }
  })
})
