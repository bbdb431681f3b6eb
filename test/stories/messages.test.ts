/** What Expo receives is, field by field, what the documents say; whoever wrote it hears nothing of it. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Person, type World, worlds } from '../kit/world.ts'

describe.each(worlds)('messages $name', ({ open }) => {
  let world: World
  let ana: Person
  let ben: { android: string; ios: string }
  let own: string[]
  beforeAll(async () => {
    world = await open()
    ana = world.user('ana', { username: 'Ana' })
    own = [await ana.register({ device_type: 'android' }), await ana.register({ device_type: 'ios' })]
    const user = world.user('ben')
    ben = { android: await user.register({ device_type: 'android' }), ios: await user.register({ device_type: 'iOS' }) }
  })
  beforeEach(() => world.expo.reset())
  afterAll(() => world?.close())

  /** Repeats replace each other: on Android by `tag` alone, on iOS by `collapseId` alone. */
  async function expectBenHears(id: string, words: { title: string; body: string; data: object }): Promise<void> {
    await world.expo.untilTaken(2)
    await world.drain()
    const message = {
      ...words,
      data: { ...words.data, notification_id: id },
      sound: 'default',
      priority: 'high',
      channelId: 'default',
    }
    expect((await world.expo.pushes(ben.android)).map((push) => push.message)).toEqual([{ ...message, tag: id }])
    expect((await world.expo.pushes(ben.ios)).map((push) => push.message)).toEqual([{ ...message, collapseId: id }])
    for (const device of own) expect(await world.expo.pushes(device)).toEqual([])
    const { sizes, violations } = await world.expo.report()
    expect({ sizes, violations }).toEqual({ sizes: { 2: 1 }, violations: [] })
  }

  const post = { title: 'Über “Grüße” 👩‍👩‍👧', text_content: 'a=b&c', content_type: 'note' }
  test.each([
    ['JSON', '/api/posts/', { json: post }],
    ['a form', '/api/posts', { form: post }],
  ])('a post as %s', async (_, path, body) => {
    const answer = await ana.call<{ post: { id: string }; notification_id: string }>('POST', path, body)
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({ success: true, post: { ...post, user_id: 'ana' } })
    const data = { post_id: answer.body.post.id, screen: 'post_detail' }
    await expectBenHears(answer.body.notification_id, { title: 'New Reflection from Ana', body: post.title, data })
    expect((await ana.call('GET', `/api/posts/${answer.body.post.id}`)).body.post).toEqual(answer.body.post)
  })

  test.each([
    ['text', '💬 New Message', 'Ana: Hello'],
    ['zoom_link', '🎥 Interview Scheduled!', 'Ana scheduled an interview. Tap to see when.'],
    ['form_link', '📝 Test Assigned!', 'Ana assigned you a test. Tap to open it.'],
    ['status_update', '📋 Status Update', 'Hello'],
  ])('a message of type %s', async (type, title, body) => {
    const answer = await ana.message('ben', 'Hello', type)
    expect(answer.status).toBe(200)
    const { message, notification_id } = answer.body
    const data = { message_id: message.id, message_type: type, sender_id: 'ana', screen: 'messages' }
    await expectBenHears(notification_id, { title, body, data })
  })
})
