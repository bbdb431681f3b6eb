/** The second document, call by call: a message rings its receiver's phones, and a test push says what happened. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { until } from '../kit/guard.ts'
import { runCommand } from '../kit/server.ts'
import { newPushToken, openWorld, type World, worlds } from '../kit/world.ts'
import { curls, runDocumentsCommand } from './documents.ts'

/** The id in the document's curl command. */
const USER = 'f5cf5a60-f6d7-4754-b7cc-31ed083b0dd3'

describe.each(worlds)('the second document $name', ({ open }) => {
  let world: World
  beforeAll(async () => {
    world = await open()
  })
  beforeEach(() => world.expo.reset())
  afterAll(() => world?.close())

  test.each([
    ['text', '💬 New Message', 'alice: See you at nine'],
    ['zoom_link', '🎥 Interview Scheduled!', 'alice scheduled an interview. Tap to see when.'],
    ['form_link', '📝 Test Assigned!', 'alice assigned you a test. Tap to open it.'],
    ['status_update', '📋 Status Update', 'See you at nine'],
  ])('a message of type %s rings every device of its receiver, and nobody else', async (type, title, body) => {
    const [alice, bob] = [world.user('alice'), world.user(`bob-${type}`)]
    const devices = [await bob.register({ device_type: 'android' }), await bob.register({ device_type: 'ios' })]
    const others = [await alice.register(), await world.user('carol').register()]
    const sent = await alice.message(bob, 'See you at nine', type)
    expect(sent.status).toBe(200)
    const { message, notification_id } = sent.body
    expect(message).toMatchObject({
      sender_id: 'alice',
      receiver_id: bob.id,
      message_type: type,
      content: 'See you at nine',
    })
    await world.expo.untilTaken(2)
    await world.drain()
    for (const device of devices) {
      const pushes = await world.expo.pushes(device)
      expect(pushes).toHaveLength(1)
      expect(pushes[0]!.message).toMatchObject({
        title,
        body,
        data: { message_id: message.id, message_type: type, sender_id: 'alice', screen: 'messages', notification_id },
        sound: 'default',
        priority: 'high',
        channelId: 'default',
      })
    }
    for (const device of others) expect(await world.expo.pushes(device)).toEqual([])
    await world.server.untilLogged(/^✅ Push notification sent successfully: \d+ tickets$/)
    await world.server.untilLogged(`🔔 Push notification sent to user ${bob.id}`)
    expect((await world.expo.report()).violations).toEqual([])
  })

  test('the answer does not wait for Expo', async () => {
    await world.expo.plan({ latencyMs: 5_000 })
    await world.user('waiting').register()
    const { accepted } = await world.expo.pulse()
    const answer = await world.user('alice').message('waiting', 'Hello')
    expect(answer.status).toBe(200)
    await until('Expo to be about to answer', async () => {
      const now = await world.expo.pulse()
      return now.accepted === accepted + 1 && now.inFlight === 1
    })
  })

  test('a receiver without a device: the message is kept, and the log says why nothing rang', async () => {
    const alice = world.user('alice')
    const answer = await alice.message('nobody-yet', 'Hello')
    expect(answer.body).toMatchObject({ success: true, message: { receiver_id: 'nobody-yet' } })
    const line = await world.server.untilLogged('⚠️ No push token found for user nobody-yet')
    expect(line.hint).toMatch(/open the app once/)
    expect((await alice.call('GET', `/message/${answer.body.message.id}`)).status).toBe(200)
    expect((await world.user('eve').call('GET', `/message/${answer.body.message.id}`)).status).toBe(404)
  })

  test('a test push tells what came of every device', async () => {
    const bob = world.user(USER)
    const [one, two] = [await bob.register({ device_type: 'android' }), await bob.register({ device_type: 'ios' })]
    await world.expo.plan({ ticketCodes: { [two]: 'DeviceNotRegistered' } })
    const { status, body } = await bob.testPush()
    expect(status).toBe(200)
    expect(body).toMatchObject({ sent: 1, mode: 'expo', notification_id: expect.any(String) as string })
    const devices = body.devices as Record<string, string>[]
    expect(devices).toHaveLength(2)
    const outcome = (token: string) => devices.find((device) => device.push_token!.startsWith(token.slice(0, 21)))
    expect(outcome(one)).toMatchObject({ status: 'accepted', device_type: 'android' })
    expect(outcome(two)).toMatchObject({
      status: 'refused',
      error: expect.stringMatching(/^DeviceNotRegistered/) as string,
    })
    expect(outcome(two)!.hint).toBeTruthy()
    expect(JSON.stringify(body)).not.toContain(one)
    const [push] = await world.expo.pushes(one)
    expect(push!.message).toMatchObject({ title: 'Test Notification', body: 'This is a test from Belfry backend' })
  })

  test('a test push for somebody else is refused, without a bearer token too', async () => {
    await world.user('frank').register()
    const path = '/test-push-notification/frank'
    expect((await world.call('POST', path)).status).toBe(401)
    expect([403, 404]).toContain((await world.user('eve').call('POST', path)).status)
    expect((await world.operator('POST', path)).status).toBe(200)
    expect((await world.expo.report()).accepted).toBe(1)
  })
})

describe('the second document, in the sandbox', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld({ database: 'pglite', env: { EXPO_PUSH_URL: undefined, JWT_SECRET: undefined } })
  })
  afterAll(() => world?.close())

  test.each(curls)('its curl command works as written, without a bearer token (%s)', async (curl) => {
    const { url } = world.server
    expect(await runDocumentsCommand('test-push-notification.sh', { url, curl })).toEqual({
      success: false,
      error: `No push token found for user ${USER}`,
      code: 'no_push_token',
      hint: 'The user needs to open the app once so that it registers a token.',
    })
    // The server made its own secret; its command line makes tokens with it.
    const token = (
      await runCommand(['token', USER], { folder: world.folder, env: { JWT_SECRET: undefined } })
    ).stdout.trim()
    const json = { push_token: newPushToken(), device_type: 'android' }
    expect((await world.call('POST', '/api/users/push-token', { token, json })).status).toBe(200)
    const rung = await runDocumentsCommand('test-push-notification.sh', { url, curl })
    expect(rung).toMatchObject({ success: true, sent: 1, mode: 'sandbox', devices: [{ status: 'accepted' }] })
    expect(
      (await world.call('DELETE', '/api/users/push-token', { token, json: { push_token: json.push_token } })).status,
    ).toBe(200)
  })
})
