/** One person asks what is kept about them, and then to be forgotten: nothing in the database leads back to them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../kit/guard.ts'
import { type MessageAnswer, type Person, type World, worlds } from '../kit/world.ts'

const ANA = 'canary-id-7f3a'
const tokens = ['ExponentPushToken[canary-token-dead]', 'ExponentPushToken[canary-token-fine]'] as const
const words = [
  'canary-name',
  'canary-post',
  'canary-out',
  'canary-in',
  'canary-alone',
  'canary-later',
  'canary-phone',
  'canary-told',
]
const canary = /canary-[\w-]+/g

describe.each(worlds)('one person $name', ({ open }) => {
  let world: World
  let ana: Person
  let ben: Person
  let out: MessageAnswer
  let later: string
  beforeAll(async () => {
    world = await open({ env: { RECEIPT_DELAY_MS: '200' } })
    ana = world.user(ANA, { username: 'canary-name' })
    ben = world.user('ben')
    await ben.register({ push_token: 'ExponentPushToken[bens]' })
    await live()
  })
  afterAll(() => world?.close())

  /** Everything that a person can leave behind. */
  async function live(): Promise<void> {
    await world.user('cat').register({ push_token: tokens[1], device_type: 'ios' })
    for (const push_token of tokens) await ana.register({ push_token, installation_id: `canary-phone-${push_token}` })
    // A phone that she gave away keeps ringing for its new owner.
    const given = await ana.register({ push_token: 'ExponentPushToken[given-away]' })
    await ben.register({ push_token: given })
    await world.expo.plan({ ticketCodes: { [tokens[0]]: 'DeviceNotRegistered' } })
    await ana.post({ title: 'canary-post', text_content: 'canary-post' })
    await ben.call('POST', '/api/posts/', { json: { title: 'By Ben', text_content: 'Words', content_type: 'note' } })
    const message = (from: Person, to: string, content: string) =>
      from.call<MessageAnswer>('POST', '/message/send-message', {
        json: { receiver_id: to, message_type: 'text', content },
        headers: { 'idempotency-key': `of-${from.id === ANA ? 'hers' : 'bens'}` },
      })
    out = (await message(ana, 'ben', 'canary-out')).body
    await message(ben, ANA, 'canary-in')
    await viaBackend('canary-told')
    await say({ to: { users: [ANA] }, title: 'canary-alone' })
    await say({ to: { users: [ANA, 'ben'] }, title: 'To both', data: { about: ANA } })
    const all = await say({ to: 'everyone', except: ['cat'], title: 'To all' })
    await say({ to: 'everyone', except: [ANA], title: 'To all others' })
    await ana.call('PUT', '/api/topics/bells/subscription')
    await ana.call('PUT', '/api/users/me/mutes', { json: { kinds: ['post'] } })
    await ana.call('POST', `/api/notifications/${all}/opened`)
    await world.operator('POST', `/test-push-notification/${ANA}`)
    await world.expo.untilTaken(5)
    await world.drain()
    await world.server.untilLogged(/^Removed invalid token/)
    const inAnHour = new Date(Date.now() + 3_600_000).toISOString()
    later = await say({ to: { users: [ANA] }, title: 'canary-later', send_at: inAnHour })
  }

  /** What she did on her backend's page: it calls for her, with a key of its own. */
  async function viaBackend(title: string): Promise<void> {
    const { body: key } = await world.operator<{ secret: string }>('POST', '/api/operator/keys', {
      json: { name: 'shop', scopes: ['users'] },
    })
    const { status } = await world.call('POST', '/api/posts/', {
      token: key.secret,
      headers: { 'belfry-user': ANA, 'idempotency-key': 'of-the-shop' },
      json: { title, text_content: title, content_type: 'note' },
    })
    expect(status).toBe(200)
  }

  async function say(json: Record<string, unknown>): Promise<string> {
    const { status, body } = await world.operator<{ notification_id: string }>('POST', '/api/notifications', { json })
    expect(status).toBe(202)
    return body.notification_id
  }

  /** Every row of every table, ours and the queue's, as text. */
  let tables: { name: string }[] | undefined
  async function dump(): Promise<string> {
    tables ??= await world.sql<{ name: string }>(`
      select quote_ident(table_schema) || '.' || quote_ident(table_name) as name from information_schema.tables
      where table_schema in ('belfry', 'belfry_queue') and table_type = 'BASE TABLE'`)
    const all = tables.map(({ name }) => `select '${name} ' || t::text as row from ${name} t`).join(' union all ')
    return (await world.sql<{ row: string }>(all)).map(({ row }) => row).join('\n')
  }

  test('all that is kept about them is one document', async () => {
    const { status, body, text } = await world.operator<Record<string, { [field: string]: unknown }[]>>(
      'GET',
      `/api/operator/users/${ANA}/export`,
    )
    expect(status).toBe(200)
    expect(body.user).toMatchObject({ id: ANA, name: 'canary-name' })
    expect(body.push_tokens!.map((one) => one.token)).toEqual(expect.arrayContaining([...tokens]))
    expect(body.posts).toMatchObject([{ title: 'canary-post' }, { title: 'canary-told' }])
    expect(body.messages!.map((one) => one.content)).toEqual(['canary-out', 'canary-in'])
    expect(body.topics).toMatchObject([{ topic: 'bells' }])
    expect(body.mutes).toMatchObject([{ kind: 'post' }])
    expect(body.opened).toHaveLength(1)
    expect(body.token_history!.map((one) => one.kind)).toEqual(
      expect.arrayContaining(['registered', 'moved', 'retired']),
    )
    const titles = body.notifications!.map((one) => (one.content as { title: string }).title)
    expect(titles).toEqual(expect.arrayContaining(['canary-alone', 'canary-later', 'To both', 'Test Notification']))
    expect(body.deliveries!.map((one) => one.code)).toContain('DeviceNotRegistered')
    expect(body.deliveries!.map((one) => one.outcome)).toContainEqual(expect.stringMatching(/^(accepted|handed_over)$/))
    expect(body.audit!.map((one) => one.action)).toEqual(
      expect.arrayContaining(['push_token.move', 'notification.test']),
    )
    for (const word of words) expect(text).toContain(word)
    expect(text).not.toContain('ExponentPushToken[bens]')
  })

  test('erased, nothing leads back to them, and nobody else loses anything', async () => {
    const before = await dump()
    for (const word of [ANA, ...tokens, ...words]) expect(before).toContain(word)
    const { status, body } = await world.operator<{ erased: Record<string, number> }>(
      'DELETE',
      `/api/operator/users/${ANA}`,
    )
    expect(status).toBe(200)
    expect(body.erased).toMatchObject({ push_tokens: 2, posts: 2, messages: 2 })
    const after = await dump()
    expect(after.match(canary) ?? []).toEqual([])
    expect(after).toContain('ExponentPushToken[given-away]')
    for (const words of ['By Ben', 'To both', 'To all others']) expect(after).toContain(words)
    expect((await ben.call('GET', `/message/${out.message.id}`)).status).toBe(404)
    expect((await world.operator('GET', `/api/operator/users/${ANA}/export`)).status).toBe(404)
    expect((await world.operator('DELETE', `/api/operator/users/${ANA}`)).status).toBe(404)
    expect((await world.operator('DELETE', '/api/operator/users/never-seen')).status).toBe(404)
    const { body: never } = await world.operator<{ notification: { state: string } }>(
      'GET',
      `/api/notifications/${later}`,
    )
    expect(never.notification.state).toBe('cancelled')
    const trail = await world.operator<{ entries: { subject: string; detail: object }[] }>(
      'GET',
      '/api/operator/audit?action=user.erase',
    )
    expect(trail.body.entries).toMatchObject([{ actor: 'operator', subject: 'erased', detail: { push_tokens: 2 } }])
    // Their own phone can begin anew, as somebody who was never here.
    await ana.register({ push_token: tokens[1] })
    expect((await world.operator('GET', `/api/operator/people/${ANA}`)).status).toBe(200)
  })

  test('a broadcast that is under way comes to its end, and its books balance', async () => {
    await world.audience(600, { prefix: 'crowd' })
    await world.expo.plan({ latencyMs: 200 })
    const author = world.user('crowd-600')
    const id = await say({ to: 'everyone', title: 'Under way' })
    const post = await author.post({ title: 'Also under way' })
    const names = Array.from({ length: 10 }, (_, n) => `crowd-${n * 60 + 60}`)
    for (const name of names) expect((await world.operator('DELETE', `/api/operator/users/${name}`)).status).toBe(200)
    await world.expo.plan({ latencyMs: 0 })
    const stateOf = async (one: string) =>
      (
        await world.operator<{ notification: { state: string; totals: Record<string, number> } }>(
          'GET',
          `/api/notifications/${one}`,
        )
      ).body.notification
    await until('the end', async () => (await stateOf(id)).state === 'finished', { timeoutMs: 60_000 })
    await until('its receipts', async () => (await stateOf(id)).totals.awaiting_receipt === 0, { timeoutMs: 60_000 })
    const { totals } = await stateOf(id)
    const { targeted = 0, accepted = 0, skipped = 0, refused = 0, pending = 0 } = totals
    expect({ sum: accepted + skipped + refused, pending }).toEqual({ sum: targeted, pending: 0 })
    expect(accepted).toBeGreaterThanOrEqual(600 - names.length)
    expect(['finished', 'cancelled']).toContain((await stateOf(post.body.notification_id)).state)
  })
})
