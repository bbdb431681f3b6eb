/** The audit log over HTTP: what is written into it, by whom, and what never is. */
import { Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { call } from '../kit/call.ts'
import { bearer, OPERATOR_KEY, openApi } from './world.ts'

interface Entry {
  id: string
  at: string
  actor: string
  action: string
  subject: string
  detail: Record<string, unknown>
}

let api: Awaited<ReturnType<typeof openApi>>
beforeAll(async () => {
  api = await openApi({ mode: 'expo' })
})
afterAll(() => api.close())

const operator = (method: string, path: string, json?: unknown, authorization = `Bearer ${OPERATOR_KEY}`) =>
  call(method, api.url + path, { headers: { authorization }, ...(json !== undefined && { json }) })
const as = async (id: string, method: string, path: string, json?: unknown) =>
  operator(method, path, json, await bearer(id))

async function audited(query = ''): Promise<Entry[]> {
  const { status, body } = await operator('GET', `/api/operator/audit?limit=200${query}`)
  expect(status).toBe(200)
  return body.entries as Entry[]
}
const deeds = (entries: Entry[]) => entries.map(({ actor, action, subject }) => `${actor} ${action} ${subject}`)

const TOKEN = 'ExponentPushToken[secret-of-a-phone]'

describe('the audit log', () => {
  test('who takes a push token over is in it, with the shortened token; who registers their own is not', async () => {
    for (const user of ['ana', 'ana', 'ben'])
      await as(user, 'POST', '/api/users/push-token', { push_token: TOKEN, device_type: 'ios' })
    const entries = await audited()
    expect(deeds(entries)).toEqual(['user:ben push_token.move user:ana'])
    expect(entries[0]!.detail).toEqual({ push_token: 'ExponentPushToken[sec…]' })
  })

  test('what an operator sends and steers is in it; what users send, and what changes nothing, is not', async () => {
    await as('ana', 'POST', '/api/posts/', { title: 'A', text_content: '', content_type: 'note' })
    await as('ana', 'POST', '/message/send-message', { receiver_id: 'ben', message_type: 'text', content: 'Hi' })
    const { body } = await operator('POST', '/api/notifications', {
      to: { users: ['ana', 'ben'] },
      title: 'Hidden words',
    })
    const id = body.notification_id as string
    for (const verb of ['pause', 'pause', 'resume', 'resume', 'cancel', 'cancel', 'pause'])
      await operator('POST', `/api/notifications/${id}/${verb}`)
    await operator('POST', '/api/notifications', { to: 'everyone', title: 'A', dry_run: true })
    const entries = await audited('&action=notification.*')
    const verbs = ['cancel', 'resume', 'pause', 'send']
    expect(deeds(entries)).toEqual(verbs.map((verb) => `operator notification.${verb} notification:${id}`))
    expect(entries.at(-1)!.detail).toEqual({ to: 'users', users: 2 })
  })

  test('tables that come in and go out, and what is kept about a person, are in it once', async () => {
    const rows = [{ line: 1, user_id: 'cat', token: 'ExponentPushToken[cats]' }]
    await operator('POST', '/api/operator/tokens/import', { rows })
    for (let page = 0; page < 3; page++) await operator('GET', '/api/operator/tokens?whole=true&limit=1')
    await operator('GET', '/api/operator/tokens')
    await operator('GET', '/api/operator/users/cat/export')
    await operator('GET', '/api/operator/users/nobody/export')
    expect(deeds((await audited()).slice(0, 3))).toEqual([
      'operator user.export user:cat',
      'operator push_tokens.export push_tokens',
      'operator push_tokens.import push_tokens',
    ])
  })

  test('sign-ins are in it; failures once a minute for each address, however many come', async () => {
    const signIn = (key: string) => call('POST', `${api.url}/console/sign-in`, { json: { key } })
    expect((await signIn(OPERATOR_KEY)).status).toBe(200)
    const answers = []
    for (let guess = 0; guess < 9; guess++) answers.push((await signIn(`wrong-guess-${guess}`)).status)
    expect(answers).toContain(403)
    expect(answers).toContain(429)
    const entries = await audited('&subject=console')
    expect(deeds(entries)).toEqual(['anybody console.sign_in_failed console', 'operator console.sign_in console'])
    expect(entries[0]!.detail).toEqual({ address: '127.0.0.1' })
  })

  test('it is read in pages, by who, what and whom, exactly or by the beginning', async () => {
    const all = await audited()
    const pages: Entry[] = []
    for (let before = ''; ; ) {
      const { body } = await operator('GET', `/api/operator/audit?limit=2${before}`)
      pages.push(...(body.entries as Entry[]))
      if (body.next === null) break
      before = `&before=${body.next as string}`
    }
    expect(pages).toEqual(all)
    expect(deeds(await audited('&actor=user:ben'))).toEqual(['user:ben push_token.move user:ana'])
    expect(deeds(await audited('&subject=user:a*'))).toEqual(['user:ben push_token.move user:ana'])
    expect(await audited('&subject=user:a')).toEqual([])
    expect(await audited(`&actor=${encodeURIComponent("' or 1=1 --")}`)).toEqual([])
    expect((await operator('GET', '/api/operator/audit?limit=201')).status).toBe(400)
    expect((await operator('GET', '/api/operator/audit?before=x')).status).toBe(400)
    expect((await as('ana', 'GET', '/api/operator/audit')).status).toBe(403)
  })

  test('no secret, no push token and no words of anybody are in it', async () => {
    const { body } = await operator('POST', '/api/operator/keys', { name: 'the shop', scopes: ['send'] })
    const { key, secret } = body as { key: { id: string }; secret: string }
    await operator('POST', `/api/operator/keys/${key.id}/rotate`, {})
    await operator('DELETE', `/api/operator/keys/${key.id}`)
    const entries = await audited()
    expect(deeds(entries).slice(0, 3)).toEqual(
      ['revoke', 'rotate', 'create'].map((verb) => `operator key.${verb} key:${key.id}`),
    )
    const written = JSON.stringify(entries)
    for (const word of [secret, 'secret-of-a-phone', OPERATOR_KEY, 'wrong-guess', 'Hidden words'])
      expect(written).not.toContain(word)
  })
})

test('exporting, erasing and counting an audience may take minutes, for those who may ask for it', async () => {
  const timeouts = vi.spyOn(Socket.prototype, 'setTimeout')
  const longest = async (method: string, path: string, json?: object, authorization?: string) => {
    timeouts.mockClear()
    await operator(method, path, json, authorization)
    return Math.max(...timeouts.mock.calls.map(([ms]) => ms))
  }
  for (const [method, path, json] of [
    ['GET', '/api/operator/users/nobody/export', undefined],
    ['DELETE', '/api/operator/users/nobody', undefined],
    ['POST', '/api/notifications', { to: 'everyone', title: 'A', dry_run: true }],
  ] as const)
    expect([await longest(method, path, json), await longest(method, path, json, 'Bearer another')]).toEqual([
      300_000, 15_000,
    ])
})
