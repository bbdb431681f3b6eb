/** Expo cannot be reached, for a while or because somebody wants it so: the callers notice nothing, and nothing is lost. */
import { describe, expect, test } from 'vitest'
import { startFakeExpo } from '../kit/expo.ts'
import { freePort } from '../kit/guard.ts'
import { runCommand } from '../kit/server.ts'
import { worlds } from '../kit/world.ts'

describe.each(worlds)('without Expo $name', ({ open }) => {
  test('what is posted waits, survives a stop and a kill, and rings once when Expo is back', async () => {
    const port = await freePort()
    const path = '/--/api/v2/push/send'
    const world = await open({ env: { EXPO_PUSH_URL: `http://127.0.0.1:${port}${path}` } })
    try {
      const crowd = await world.audience(350)
      const [ana, ben] = [world.user('ana'), world.user('ben')]
      const phone = await ben.register()
      const [post, message] = [await ana.post(), await ana.message(ben, 'Hello')]
      expect([post.status, message.status]).toEqual([200, 200])
      await world.server.untilLogged(/^Error sending push notifications: /)
      expect(await world.server.stop()).toBe(0)
      await world.restart()
      await world.server.untilLogged(/^Error sending push notifications: /)
      await world.server.kill9()
      const expo = await startFakeExpo({}, port)
      try {
        await world.restart()
        const { violations, ambiguous } = await expo.untilTaken(crowd.length + 2, { timeoutMs: 300_000 })
        expect({ violations, ambiguous }).toEqual({ violations: [], ambiguous: 0 })
        const once = Object.fromEntries([...crowd, phone].map((token) => [token, 1]))
        expect(await expo.counts(post.body.notification_id)).toEqual(once)
        expect(await expo.counts(message.body.notification_id)).toEqual({ [phone]: 1 })
      } finally {
        await expo.close()
      }
    } finally {
      await world.close()
    }
  })

  test('with ENABLE_PUSH_NOTIFICATIONS=false everybody is answered, a test push says why, and Expo hears nothing', async () => {
    const world = await open({ env: { ENABLE_PUSH_NOTIFICATIONS: 'false' } })
    try {
      const [ana, ben] = [world.user('ana'), world.user('ben')]
      await ben.register()
      const answers = [await ana.post(), await ana.message(ben, 'Hello')]
      expect(answers.map((answer) => answer.status)).toEqual([200, 200])
      const pushed = await ben.testPush()
      expect(pushed.body).toMatchObject({ success: false, sent: 0, code: 'pushes_off' })
      expect(pushed.body.hint).toMatch(/ENABLE_PUSH_NOTIFICATIONS/)
      await world.drain()
      expect((await world.expo.report()).requests).toBe(0)
    } finally {
      await world.close()
    }
  })
})

test('where nobody answers, the hints name the place that EXPO_PUSH_URL names', async () => {
  const place = `127.0.0.1:${await freePort()}`
  const env = { EXPO_PUSH_URL: `http://${place}/--/api/v2/push/send` }
  const world = await worlds[0]!.open({ env })
  try {
    const ana = world.user('ana')
    const phone = await ana.register()
    const pushed = await ana.testPush()
    const line = await world.server.untilLogged(/^Error sending push notifications: /)
    const { stderr } = await runCommand(['test-token', phone], { env })
    for (const hint of [pushed.body.hint, line.hint, stderr]) {
      expect(hint).toContain(`reaches ${place}`)
      expect(hint).not.toContain('exp.host')
    }
  } finally {
    await world.close()
  }
})
