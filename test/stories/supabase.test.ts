/** A project at Supabase moves over without code: what its database tells by webhooks rings, once. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { until } from '../kit/guard.ts'
import { newPushToken, openWorld, type World, worlds } from '../kit/world.ts'
import { documentedSql, hook, openSupabase, type Row, SECRET, type Supabase } from './supabase-kit.ts'

const env = { SUPABASE_WEBHOOK_SECRET: SECRET }
const BEN = 'f5cf5a60-f6d7-4754-b7cc-31ed083b0dd3'
let rows = 0
const uuid = () => `00000000-0000-4000-8000-${String(++rows).padStart(12, '0')}`
const at = (seconds: number) => new Date(Date.now() + seconds * 1_000).toISOString().replace('Z', '+00:00')

/** What a phone has got, once it is so many. Other phones may hear of the same. */
async function heard(world: World, phone: string, count: number) {
  await until(`${count} pushes to a phone`, async () => (await world.expo.pushes(phone)).length >= count)
  await world.drain()
  return (await world.expo.pushes(phone)).map((push) => push.message)
}

describe.each(worlds)('webhooks $name', ({ open }) => {
  let world: World
  beforeAll(async () => {
    world = await open({ env })
  })
  beforeEach(() => world.expo.reset())
  afterAll(() => world?.close())

  const tokensOf = async (user: string) => {
    type Answer = { push_tokens: { push_token: string; active: boolean }[] }
    const { body } = await world.user(user).call<Answer>('GET', '/api/users/push-token')
    return body.push_tokens.filter((one) => one.active).map((one) => one.push_token)
  }
  const message = (more: Row = {}) => {
    const people = { sender_id: 'ana', receiver_id: BEN }
    return { id: uuid(), ...people, message_type: 'text', content: 'Hello', created_at: at(0), ...more }
  }
  const token = (user_id: string, more: Row = {}): Row => {
    return { id: uuid(), user_id, expo_token: newPushToken(), active: true, created_at: at(-60), ...more }
  }

  test.each([
    ['text', '💬 New Message', 'ana: See you at nine'],
    ['zoom_link', '🎥 Interview Scheduled!', 'ana scheduled an interview. Tap to see when.'],
    ['form_link', '📝 Test Assigned!', 'ana assigned you a test. Tap to open it.'],
    ['status_update', '📋 Status Update', 'See you at nine'],
  ])('a new message of type %s rings its receiver as the route does', async (message_type, title, body) => {
    const [ana, receiver] = [world.user('ana'), world.user(`ben-${message_type}`)]
    const [phone, others] = [await receiver.register(), await ana.register()]
    const record = message({ receiver_id: receiver.id, message_type, content: 'See you at nine' })
    const answer = await hook(world, 'INSERT', 'messages', record)
    expect(answer).toMatchObject({ status: 200, body: { success: true, done: 'notified' } })
    const { notification_id } = answer.body
    const data = { message_id: record.id, message_type, sender_id: 'ana', screen: 'messages', notification_id }
    expect(await heard(world, phone, 1)).toMatchObject([
      { title, body, data, sound: 'default', priority: 'high', channelId: 'default' },
    ])
    expect(await world.expo.pushes(others)).toEqual([])
  })

  test('a new post rings everybody but its author; long ids stay exact', async () => {
    const [reader, author] = [await world.user('reader').register(), await world.user('author').register()]
    const raw = (id: string) =>
      `{"type":"INSERT","table":"posts","schema":"public","old_record":null,"record":{"id":${id},"user_id":"author",` +
      `"title":"Rain","text_content":"It rains","username":"Ada","tags":["a",{"b":[]}],"created_at":"${at(0)}"}}`
    const headers = { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json' }
    for (const id of ['9007199254740993', '9007199254740992'])
      expect((await world.call('POST', '/hooks/supabase', { headers, raw: raw(id) })).body.done).toBe('notified')
    const pushes = await heard(world, reader, 2)
    expect(pushes.map((one) => one.title)).toEqual(['New Reflection from Ada', 'New Reflection from Ada'])
    const ids = pushes.map((one) => (one.data as { post_id: string }).post_id)
    expect(ids.toSorted()).toEqual(['9007199254740992', '9007199254740993'])
    expect(await world.expo.pushes(author)).toEqual([])
  })

  test('the same webhook adds nothing, however often and however many at once', async () => {
    const phone = await world.user(BEN).register()
    const record = message()
    const answers = await Promise.all(Array.from({ length: 8 }, () => hook(world, 'INSERT', 'messages', record)))
    const more = await hook(world, 'INSERT', 'messages', { ...record, is_read: true })
    expect(new Set([...answers, more].map((one) => `${one.status} ${one.text}`)).size).toBe(1)
    expect(await heard(world, phone, 1)).toHaveLength(1)
    await world.user(BEN).unregister({ push_token: phone })
  })

  test('rows of push_tokens register, change and unregister', async () => {
    const row = token('cleo', { device_type: 'iOS' })
    expect((await hook(world, 'INSERT', 'push_tokens', row)).body.done).toBe('registered')
    expect(await tokensOf('cleo')).toEqual([row.expo_token])
    for (const active of [false, true, false, true]) {
      const done = await hook(world, 'UPDATE', 'push_tokens', { ...row, active }, { ...row, active: !active })
      expect(done.body.done).toBe(active ? 'registered' : 'unregistered')
      expect(await tokensOf('cleo')).toEqual(active ? [row.expo_token] : [])
    }
    const moved = { ...row, user_id: 'dan' }
    await hook(world, 'UPDATE', 'push_tokens', moved, row)
    expect([await tokensOf('cleo'), await tokensOf('dan')]).toEqual([[], [row.expo_token]])
    const fresh = { ...moved, expo_token: newPushToken() }
    await hook(world, 'UPDATE', 'push_tokens', fresh, moved)
    expect(await tokensOf('dan')).toEqual([fresh.expo_token])
    expect((await hook(world, 'DELETE', 'push_tokens', null, fresh)).body.done).toBe('unregistered')
    expect(await tokensOf('dan')).toEqual([])
  })

  test.each([
    ["is nobody's any more", { user_id: null }],
    ['has no token any more', { expo_token: '' }],
    ["is another's, and off", { user_id: 'somebody', active: false }],
  ])('a row that %s logs the phone out', async (_what, change) => {
    const row = token('bea')
    await hook(world, 'INSERT', 'push_tokens', row)
    expect(await tokensOf('bea')).toEqual([row.expo_token])
    expect((await hook(world, 'UPDATE', 'push_tokens', { ...row, ...change }, row)).body.done).toBe('unregistered')
    expect(await tokensOf('bea')).toEqual([])
  })

  test.each([
    ['text that is no token', { expo_token: 'revoked' }, 'Invalid token format'],
    ['an id that nobody can have', { user_id: 'x'.repeat(129) }, 'user_id is longer than 128 characters'],
  ])('a row that is changed to %s logs the phone out, and the answer says why', async (what, change, why) => {
    const row = token(`bob, ${what}`)
    await hook(world, 'INSERT', 'push_tokens', row)
    expect(await tokensOf(row.user_id as string)).toEqual([row.expo_token])
    const changed = { ...row, ...change, updated_at: at(0) }
    expect(await hook(world, 'UPDATE', 'push_tokens', changed, row)).toMatchObject({
      status: 200,
      body: { success: true, done: 'unregistered', why: expect.stringContaining(why) },
    })
    expect(await tokensOf(row.user_id as string)).toEqual([])
    const again = await hook(world, 'UPDATE', 'push_tokens', changed, row)
    expect(again.body).toMatchObject({ done: 'nothing', why: expect.stringContaining(why) })
    const back = { ...row, updated_at: at(1) }
    expect((await hook(world, 'UPDATE', 'push_tokens', back, changed)).body.done).toBe('registered')
    expect(await tokensOf(row.user_id as string)).toEqual([row.expo_token])
  })

  test('what comes late undoes nothing that is newer', async () => {
    const [old, fresh] = [token('eve'), token('eve', { created_at: at(-30) })]
    fresh.expo_token = old.expo_token
    const is = async (there: boolean) => expect(await tokensOf('eve')).toEqual(there ? [old.expo_token] : [])
    await hook(world, 'INSERT', 'push_tokens', old)
    await hook(world, 'INSERT', 'push_tokens', fresh)
    expect((await hook(world, 'DELETE', 'push_tokens', null, old)).body.done).toBe('nothing')
    await is(true)
    await hook(world, 'DELETE', 'push_tokens', null, fresh)
    await is(false)
    for (const again of [old, fresh]) await hook(world, 'INSERT', 'push_tokens', again)
    await is(false)
    const short = { ...fresh, id: uuid(), created_at: at(-10) }
    await hook(world, 'DELETE', 'push_tokens', null, short)
    expect((await hook(world, 'INSERT', 'push_tokens', short)).body.done).toBe('nothing')
    await is(false)
  })

  test('of updates that overtake each other the newest counts', async () => {
    const row = token('fay', { updated_at: at(-60) })
    const change = (seconds: number, active: boolean) =>
      hook(world, 'UPDATE', 'push_tokens', { ...row, active, updated_at: at(seconds) }, row)
    await change(-40, false)
    expect((await hook(world, 'INSERT', 'push_tokens', row)).body.done).toBe('nothing')
    expect(await tokensOf('fay')).toEqual([])
    await change(-30, true)
    await change(-35, false)
    expect(await tokensOf('fay')).toEqual([row.expo_token])
    await change(-20, false)
    await change(-10, false)
    await change(-15, true)
    expect(await tokensOf('fay')).toEqual([])
  })

  test('a device that registers here itself stays when its row is cleared away there', async () => {
    const row = token('gus', { device_type: 'android' })
    await hook(world, 'INSERT', 'push_tokens', row)
    await world.user('gus').register({ push_token: row.expo_token as string })
    expect((await hook(world, 'DELETE', 'push_tokens', null, row)).body.done).toBe('nothing')
    expect(await tokensOf('gus')).toEqual([row.expo_token])
  })

  test('tables without times, and one id for ever, still follow what happens', async () => {
    const row = { id: 'hal', user_id: 'hal', push_token: newPushToken() }
    for (let round = 0; round < 2; round++) {
      await hook(world, 'INSERT', 'push_tokens', row)
      expect(await tokensOf('hal')).toEqual([row.push_token])
      await hook(world, 'DELETE', 'push_tokens', row)
      expect(await tokensOf('hal')).toEqual([])
    }
  })

  test('what nobody is told of, and what does not fit, is said', async () => {
    const of = async (...call: [string, string, Row | null, Row?]) => {
      const { status, body } = await hook(world, ...call)
      return [status, body.done ?? body.code, body.why ?? body.error] as [number, string, string]
    }
    expect(await of('INSERT', 'messages', message({ message_type: 'video' }))).toEqual([
      422,
      'row_unfit',
      'This row cannot be used: its message_type "video" is none of text, zoom_link, form_link, status_update',
    ])
    expect((await of('INSERT', 'messages', message({ receiver_id: null })))[2]).toContain('receiver_id is missing')
    expect((await of('INSERT', 'messages', message({ sender_id: 'x'.repeat(129) })))[0]).toBe(422)
    expect((await of('INSERT', 'profiles', { id: 1 }))[0]).toBe(422)
    expect((await of('INSERT', 'posts', null))[0]).toBe(422)
    expect((await of('INSERT', 'push_tokens', token('ida', { expo_token: 'abc' })))[1]).toBe('token_malformed')
    expect((await of('UPDATE', 'messages', message(), message()))[1]).toBe('nothing')
    expect((await of('INSERT', 'messages', message({ created_at: '2020-01-01T00:00:00' })))[1]).toBe('nothing')
    expect((await of('INSERT', 'posts', { id: 1, user_id: 'ida', title: 'a', created_at: '9999-99-99' }))[0]).toBe(200)
    expect((await of('TRUNCATE', 'posts', null))[0]).toBe(400)
    const odd = [
      '',
      '{',
      '[]',
      '1',
      'null',
      '{"type":"INSERT","table":"posts","record":[1]}',
      '{"__proto__":{"type":"INSERT"}}',
    ]
    for (const raw of odd) {
      const headers = { 'x-webhook-secret': SECRET, 'content-type': 'application/json' }
      expect([400, 422]).toContain((await world.call('POST', '/hooks/supabase', { headers, raw })).status)
    }
    const large = await hook(
      world,
      'INSERT',
      'messages',
      message({ content: 'x'.repeat(500_000), extra: 'y'.repeat(500_000) }),
    )
    expect(large.body.done).toBe('notified')
    // Only announced: who is still writing may miss the answer.
    const headers = { 'x-webhook-secret': SECRET, 'content-type': 'application/json', 'content-length': '5000000' }
    expect((await world.call('POST', '/hooks/supabase', { headers, raw: '{' })).status).toBe(413)
  })

  test('without the secret nobody gets in', async () => {
    const json = { type: 'INSERT', table: 'messages', schema: 'public', record: message(), old_record: null }
    const shown: Record<string, string>[] = [
      {},
      { 'x-webhook-secret': `${SECRET}x` },
      { authorization: `Bearer ${world.user('ana').token}` },
    ]
    for (const headers of shown)
      expect((await world.call('POST', '/hooks/supabase', { headers, json })).status).toBe(401)
    expect((await world.operator('POST', '/hooks/supabase', { json })).status).toBe(401)
    const pass = { headers: { authorization: `Bearer ${SECRET}` } }
    expect((await world.call('GET', '/api/operator/now', pass)).status).toBe(401)
  })
})

test('a server without a secret says how webhooks are switched on', async () => {
  const world = await openWorld({ database: 'pglite' })
  const answer = await hook(world, 'INSERT', 'posts', {})
  await world.close()
  expect(answer).toMatchObject({ status: 404, body: { code: 'not_found' } })
  expect(answer.body.hint).toContain('SUPABASE_WEBHOOK_SECRET')
})

describe('real triggers, as docs/from-supabase.md makes them', () => {
  let world: World
  let supabase: Supabase
  const [ana, ben] = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222']
  beforeAll(async () => {
    supabase = await openSupabase()
    world = await openWorld({ database: 'postgres', env })
    const [triggers = ''] = documentedSql(world.server.url)
    await supabase.sql(triggers)
    await supabase.sql('insert into auth.users (id) values ($1), ($2)', [ana, ben])
  })
  afterAll(async () => {
    await supabase?.close()
    await world?.close()
  })
  const rung = async (phone: string, count: number) => (await heard(world, phone, count)).map((one) => String(one.body))
  const done = (answers: { body: Row }[]) => answers.map((answer) => answer.body.done)

  test('ring phones: registered, written to, posted to, logged out', async () => {
    const phone = newPushToken()
    await supabase.sql('insert into push_tokens (user_id, expo_token) values ($1, $2)', [ben, phone])
    await supabase.sql('insert into messages (sender_id, receiver_id, content) values ($1, $2, $3)', [
      ana,
      ben,
      'Hello',
    ])
    await supabase.sql(`insert into posts (user_id, title) values ($1, 'Rain'), ($2, 'Own')`, [ana, ben])
    expect(done(await supabase.forward(4))).toEqual(['registered', 'notified', 'notified', 'notified'])
    expect((await rung(phone, 2)).toSorted()).toEqual(['Rain', 'Someone: Hello'])

    // The document's statement for what was missed: what was told stays told.
    const [, again = ''] = documentedSql(world.server.url)
    await supabase.sql(again)
    await supabase.forward(1)
    expect(await rung(phone, 2)).toHaveLength(2)

    await supabase.sql('update push_tokens set active = false where expo_token = $1', [phone])
    await supabase.sql('update push_tokens set active = true where expo_token = $1', [phone])
    await supabase.sql('delete from push_tokens where expo_token = $1', [phone])
    expect(done(await supabase.forward(3))).toEqual(['unregistered', 'registered', 'unregistered'])
  })

  test('keep a phone that is registered again, in whatever order that is told', async () => {
    const phone = newPushToken()
    await supabase.sql('insert into push_tokens (user_id, expo_token) values ($1, $2)', [ben, phone])
    await supabase.forward(1)
    await supabase.sql('delete from push_tokens where expo_token = $1', [phone])
    await supabase.sql('insert into push_tokens (user_id, expo_token) values ($1, $2)', [ben, phone])
    expect(done(await supabase.forward(2, (sent) => sent.toReversed()))).toEqual(['registered', 'nothing'])
    // As apps do it at their start.
    await supabase.sql(
      `insert into push_tokens (user_id, expo_token) values ($1, $2)
       on conflict (expo_token) do update set user_id = excluded.user_id, active = true`,
      [ana, phone],
    )
    expect(done(await supabase.forward(1))).toEqual(['registered'])
    await supabase.sql('insert into messages (sender_id, receiver_id, content) values ($1, $2, $3)', [ben, ana, 'Hi'])
    await supabase.forward(1)
    expect(await rung(phone, 1)).toEqual(['Someone: Hi'])
  })
})
