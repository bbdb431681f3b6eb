/** A post to 20,000 phones while Expo takes its time: everybody once, in full requests, and nobody else waits for it. */
import { describe, expect, test } from 'vitest'
import { worlds } from '../kit/world.ts'

const DEVICES = 20_000

describe.each(worlds)('a broadcast $name', ({ open }) => {
  test('to 20,000 devices reaches each exactly once, six full requests at a time; messages overtake it', async () => {
    const world = await open({ fake: { latencyMs: 150 } })
    try {
      const crowd = await world.audience(DEVICES)
      const [ana, ben] = [world.user('ana'), world.user('ben')]
      const [own, phone] = [await ana.register(), await ben.register()]
      const answer = await ana.post()
      expect(answer.status).toBe(200)
      // How soon is measured by `npm run bars`; here, that nobody waits for the broadcast.
      expect((await world.expo.pulse()).accepted).toBeLessThan(DEVICES)
      for (let n = 0; n < 10; n++) {
        expect((await ana.message(ben, `Number ${n}`)).status).toBe(200)
        expect((await ben.call('GET', '/api/posts/')).status).toBe(200)
      }
      expect((await world.expo.pulse()).accepted).toBeLessThan(DEVICES)
      const { sizes, maxInFlight, notifications, violations } = await world.expo.untilTaken(DEVICES + 11, {
        timeoutMs: 120_000,
      })
      await world.drain()
      const { notification_id } = answer.body
      const expected = Object.fromEntries([...crowd, phone].map((token) => [token, 1]))
      expect(await world.expo.counts(notification_id)).toEqual(expected)
      expect(await world.expo.pushes(own)).toEqual([])
      expect(sizes[100]).toBe(DEVICES / 100)
      expect({ maxInFlight, violations }).toEqual({ maxInFlight: 6, violations: [] })
      const messages = (await world.expo.pushes(phone)).filter((push) => push.message.title === '💬 New Message')
      expect(messages).toHaveLength(10)
      for (const { at } of messages) expect(at).toBeLessThan(notifications[notification_id]!.lastAt)
    } finally {
      await world.close()
    }
  })
})
