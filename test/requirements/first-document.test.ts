/** The first document, call by call: tokens are registered, a post rings everybody else, dead tokens go. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { newPushToken, registerAll, type World, worlds } from '../kit/world.ts'
import { curls, runDocumentsCommand } from './documents.ts'

const PLACEHOLDER = 'ExponentPushToken[xxxxxxxxxxxxxxxxxxxxxx]'

describe.each(worlds)('the first document $name', ({ open }) => {
  let world: World
  beforeAll(async () => {
    world = await open()
  })
  beforeEach(() => world.expo.reset())
  /** A post rings everybody, so the devices of one test are logged out before the next. */
  afterEach(() => world.logOutEverybody())
  afterAll(() => world?.close())

  test.each(curls)('its two curl commands work as written (%s)', async (curl) => {
    const [alice, bob] = [world.user('alice'), world.user('bob')]
    const { url } = world.server
    const registered = await runDocumentsCommand('register-push-token.sh', { url, token: bob.token, curl })
    expect(registered).toEqual({ success: true, message: 'Push token registered successfully' })
    const ownDevice = await alice.register()

    const created = await runDocumentsCommand('create-post.sh', { url, token: alice.token, curl })
    expect(created).toMatchObject({
      success: true,
      post: { user_id: 'alice', title: 'Test', text_content: 'Description', content_type: 'note' },
    })
    await world.expo.untilTaken(1)
    await world.drain()
    const { post, notification_id } = created as { post: { id: string }; notification_id: string }
    const pushes = await world.expo.pushes(PLACEHOLDER)
    expect(pushes.map((push) => push.message)).toEqual([
      {
        sound: 'default',
        title: 'New Reflection from alice',
        body: 'Test',
        data: { post_id: post.id, screen: 'post_detail', notification_id },
        priority: 'high',
        channelId: 'default',
        tag: expect.any(String) as string,
      },
    ])
    expect(await world.expo.pushes(ownDevice)).toEqual([])
    expect((await world.expo.report()).violations).toEqual([])
  })

  test('a malformed token is refused with its words, and registering again is no error', async () => {
    const bob = world.user('bob')
    for (const push_token of ['ExponentPushToken[]', 'not a token', 'ExponentPushToken[a],ExponentPushToken[b]']) {
      const answer = await bob.call('POST', '/api/users/push-token', { json: { push_token, device_type: 'android' } })
      expect(answer.status).toBe(400)
      expect(answer.body).toMatchObject({ success: false, error: 'Invalid token format', code: 'token_malformed' })
    }
    const token = await bob.register()
    await bob.register({ push_token: token, device_type: 'iOS' })
    const listed = await bob.call('GET', '/api/users/push-token')
    expect(listed.text.split(token)).toHaveLength(2)
  })

  test('250 devices are reached in requests of at most 100, each once', async () => {
    const tokens = Array.from({ length: 250 }, newPushToken)
    await registerAll(
      world,
      tokens.map((token, n) => [`crowd-${n}`, token]),
    )
    const answer = await world.user('alice').post({ title: 'To all of you' })
    expect(answer.status).toBe(200)
    await world.expo.untilTaken(250)
    await world.drain()
    const counts = await world.expo.counts(answer.body.notification_id)
    expect(counts).toEqual(Object.fromEntries(tokens.map((token) => [token, 1])))
    expect((await world.expo.report()).sizes).toEqual({ 50: 1, 100: 2 })
  })

  test('a post with nobody to tell is a success', async () => {
    expect((await world.user('alice').post()).body).toMatchObject({ success: true })
    await world.drain()
    expect((await world.expo.report()).requests).toBe(0)
  })

  test('what Expo refuses for good is not sent to again: DeviceNotRegistered, and InvalidCredentials', async () => {
    const [dead, locked, fine] = [newPushToken(), newPushToken(), newPushToken()]
    const ticketCodes = { [dead]: 'DeviceNotRegistered', [locked]: 'InvalidCredentials' }
    await world.expo.plan({ ticketCodes })
    const bob = world.user('bob')
    await bob.register({ push_token: dead })
    await bob.register({ push_token: locked, device_type: 'ios' })
    await bob.register({ push_token: fine })
    const alice = world.user('alice')
    await alice.post()
    await world.expo.untilTaken(1)
    const removed = await world.server.untilLogged(/^Removed invalid token: /)
    expect(removed.msg).toBe(`Removed invalid token: ${dead.slice(0, 21)}…]`)
    await world.drain()
    await world.expo.plan({ ticketCodes: {} })
    await alice.post()
    await world.expo.untilTaken(2)
    await world.drain()
    expect(await world.expo.pushes(fine)).toHaveLength(2)
    expect([...(await world.expo.pushes(dead)), ...(await world.expo.pushes(locked))]).toEqual([])
    // Registering again brings it back, as when the app is installed again.
    await bob.register({ push_token: dead })
    await alice.post()
    await world.expo.untilTaken(4)
    expect(await world.expo.pushes(dead)).toHaveLength(1)
  })

  test('with ENABLE_PUSH_NOTIFICATIONS=false everything works and nothing is sent', async () => {
    const silent = await open({ env: { ENABLE_PUSH_NOTIFICATIONS: 'false' } })
    try {
      await silent.user('bob').register()
      expect((await silent.user('alice').post()).status).toBe(200)
      await silent.drain()
      expect((await silent.expo.report()).requests).toBe(0)
    } finally {
      await silent.close()
    }
  })

  test('a batch that fails, and a connection that does, are told in its words; the pushes come all the same', async () => {
    await world.expo.plan({ next: ['status500', 'resetBefore'] })
    await world.user('bob').register()
    await world.user('alice').post()
    await world.server.untilLogged(/^Failed to send batch: /)
    await world.server.untilLogged(/^Error sending push notifications: /)
    await world.expo.untilTaken(1)
    await world.server.untilLogged(/^✅ Push notification sent successfully: 1 tickets$/)
    expect((await world.expo.report()).faults).toEqual({ status500: 1, resetBefore: 1 })
  })
})
