/** The documents' routes as apps call them; what is sent afterwards is delivery's story. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bearer, OPERATOR_KEY, openApi } from './world.ts'

let world: Awaited<ReturnType<typeof openApi>>
const people: Record<string, string> = {}
beforeAll(async () => {
  world = await openApi()
  for (const name of ['ana', 'ben', 'eve']) people[name] = await bearer(name, name)
})
afterAll(() => world.close())

async function call(who: string, method: string, path: string, body?: string | object, type = 'application/json') {
  const response = await fetch(`${world.url}${path}`, {
    method,
    headers: { authorization: people[who] ?? who, ...(body !== undefined && { 'content-type': type }) },
    body: typeof body === 'object' ? JSON.stringify(body) : body,
  })
  return { status: response.status, body: (await response.json()) as Answer }
}

/** What the answers of these routes hold, one or the other. */
interface Answer {
  success: boolean
  push_tokens: object[]
  post: Record<string, string>
  posts: { id: string }[]
  next: string
  message: Record<string, string>
}

const path = '/api/users/push-token'
const phone = { push_token: 'ExponentPushToken[xxxxxxxxxxxxxxxxxxxxxx]', device_type: 'Android' }

describe('push tokens', () => {
  test('are registered, listed, moved and taken off', async () => {
    const registered = { success: true, message: 'Push token registered successfully' }
    expect((await call('ana', 'POST', path, { ...phone, locale: null, extra: { a: 1 } })).body).toEqual(registered)
    expect((await call('ana', 'POST', path, phone)).body).toEqual(registered)
    const { body } = await call('ana', 'GET', path)
    expect(body.push_tokens).toMatchObject([
      { id: expect.any(String), push_token: phone.push_token, device_type: 'android', active: true },
    ])

    expect((await call('ben', 'POST', path, phone)).body).toEqual(registered)
    expect((await call('ana', 'GET', path)).body.push_tokens).toEqual([])
    expect((await call('ana', 'DELETE', path, { push_token: phone.push_token })).status).toBe(200)
    expect((await call('ben', 'GET', path)).body.push_tokens).toHaveLength(1)
    expect((await call('ben', 'DELETE', path, { push_token: phone.push_token })).body.success).toBe(true)
    expect((await call('ben', 'DELETE', path, { push_token: phone.push_token })).body.success).toBe(true)
    expect((await call('ben', 'GET', path)).body.push_tokens).toEqual([])
  })

  test('may change hands five times a day', async () => {
    const moving = { ...phone, push_token: 'ExponentPushToken[moving]' }
    for (const who of ['ana', 'ben', 'ana', 'ben', 'ana', 'ben'])
      expect((await call(who, 'POST', path, moving)).status).toBe(200)
    expect(await call('ana', 'POST', path, moving)).toMatchObject({ status: 429, body: { code: 'too_many_moves' } })
  })

  test('may be shared all day by people who log out: nothing is taken from anybody', async () => {
    const shared = { ...phone, push_token: 'ExponentPushToken[shared]', installation_id: 'shop' }
    for (let shift = 0; shift < 8; shift++) {
      const who = shift % 2 === 0 ? 'ana' : 'ben'
      expect((await call(who, 'POST', path, shared)).status).toBe(200)
      expect((await call(who, 'DELETE', path, { installation_id: 'shop' })).status).toBe(200)
    }
    for (const who of ['ben', 'ana', 'ben', 'ana', 'ben', 'ana'])
      expect((await call(who, 'POST', path, shared)).status).toBe(200)
    expect((await call('ben', 'POST', path, shared)).status).toBe(429)
  })
})

describe('posts', () => {
  test.each([
    ['/api/posts/', { title: 'Rain', text_content: 'It rains', content_type: 'note', more: 1 }, 'application/json'],
    ['/api/posts', 'content_type=note&title=Rain&text_content=It+rains', 'application/x-www-form-urlencoded'],
  ])('to %s', async (url, body, type) => {
    const made = await call('ana', 'POST', url, body, type)
    expect(made).toMatchObject({
      status: 200,
      body: {
        success: true,
        post: { user_id: 'ana', title: 'Rain', text_content: 'It rains', content_type: 'note' },
        notification_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      },
    })
    const { post } = made.body
    expect(Object.keys(post)).toEqual(['id', 'user_id', 'title', 'text_content', 'content_type', 'created_at'])
    expect(new Date(post.created_at ?? '').toISOString()).toBe(post.created_at)
    expect((await call('ben', 'GET', `/api/posts/${post.id}`)).body.post).toEqual(post)
  })

  test('are listed newest first, in pages', async () => {
    const all = (await call('ben', 'GET', '/api/posts/')).body.posts
    const first = (await call('ben', 'GET', '/api/posts?limit=1')).body
    expect(first).toMatchObject({ posts: [all[0]], next: all[0]?.id })
    expect((await call('ben', 'GET', `/api/posts/?limit=1&before=${first.next}`)).body.posts).toEqual([all[1]])
  })
})

describe('messages', () => {
  test('are for their two people', async () => {
    const sent = await call('ana', 'POST', '/message/send-message', {
      receiver_id: 'somebody new',
      message_type: 'text',
      content: 'hi',
      is_read: false,
    })
    expect(sent).toMatchObject({
      status: 200,
      body: { success: true, message: { sender_id: 'ana', receiver_id: 'somebody new' } },
    })
    const { message } = sent.body
    people['somebody new'] = await bearer('somebody new')
    expect((await call('somebody new', 'GET', `/message/${message.id}`)).body.message).toEqual(message)
    expect((await call('eve', 'GET', `/message/${message.id}`)).status).toBe(404)
  })
})

describe('a test push', () => {
  test('to somebody without a device says so, and is for oneself or the operator', async () => {
    const nobody = {
      success: false,
      error: 'No push token found for user eve',
      code: 'no_push_token',
      hint: 'The user needs to open the app once so that it registers a token.',
    }
    expect((await call('eve', 'POST', '/test-push-notification/eve')).body).toEqual(nobody)
    expect((await call(`Bearer ${OPERATOR_KEY}`, 'POST', '/test-push-notification/eve', 'x', 'text/x')).body).toEqual(
      nobody,
    )
    expect(await call('ana', 'POST', '/test-push-notification/eve')).toMatchObject({
      status: 404,
      body: { code: 'not_found' },
    })
    expect(await call('', 'POST', '/test-push-notification/eve')).toMatchObject({ status: 401 })
  })

  test('that nobody sends is pending after ten seconds', async () => {
    await call('eve', 'POST', path, { ...phone, push_token: 'ExponentPushToken[abcdef]' })
    const answer = await call('eve', 'POST', '/test-push-notification/eve')
    expect(answer).toMatchObject({
      status: 202,
      body: {
        success: false,
        sent: 0,
        mode: 'sandbox',
        devices: [{ push_token: 'ExponentPushToken[abc…]', device_type: 'android', status: 'pending' }],
        notification_id: expect.any(String),
      },
    })
  })
})

test('health and home are for anybody', async () => {
  expect((await call('', 'GET', '/healthz')).body).toMatchObject({ status: 'ok', version: '0.0.0' })
  expect(await call('', 'GET', '/readyz')).toMatchObject({
    status: 200,
    body: { status: 'ready', mode: 'sandbox', database: 'ok' },
  })
  expect((await call('', 'GET', '/')).body).toMatchObject({
    sandbox: '/sandbox',
    console: '/console',
    health: '/healthz',
  })
})

test('no bearer token, push token or body stands in the log', () => {
  const log = world.lines.join('')
  for (const secret of [phone.push_token, 'ExponentPushToken[moving]', people.ana?.slice(7), 'It rains', OPERATOR_KEY])
    expect(log).not.toContain(secret)
})
