/** The console's door: a cookie for the key, own pages only, few guesses; and other backends by their keys. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bearer, OPERATOR_KEY, openApi } from './world.ts'

let world: Awaited<ReturnType<typeof openApi>>
beforeAll(async () => {
  const servers = new Map([
    ['blf_sender', { id: 'shop', scopes: ['send'] }],
    ['blf_other', { id: 'crm', scopes: ['send'] }],
    ['blf_reader', { id: 'board', scopes: ['read'] }],
  ])
  world = await openApi({ findServer: async (key) => servers.get(key) })
})
afterAll(() => world.close())

const ask = async (method: string, path: string, headers: Record<string, string> = {}, body?: object) => {
  const response = await fetch(world.url + path, {
    method,
    headers: { ...(body && { 'content-type': 'application/json' }), ...headers },
    ...(body && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text.startsWith('{') ? JSON.parse(text) : text }
}
const signIn = (key: string) => ask('POST', '/console/sign-in', {}, { key })
const topic = { to: { topic: 'a' }, title: 'A' }

test('the key opens a session, and the session is good for this site’s own pages only', async () => {
  const { status, headers } = await signIn(OPERATOR_KEY)
  expect(status).toBe(200)
  const set = headers.get('set-cookie')!
  expect(set).toMatch(/^belfry_session=[^;]+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/)
  const cookie = set.split(';', 1)[0]!
  expect(cookie).not.toContain(OPERATOR_KEY)
  expect((await ask('GET', '/api/notifications', { cookie })).status).toBe(200)
  expect((await ask('GET', '/api/notifications')).status).toBe(401)
  expect((await ask('GET', '/api/notifications', { cookie: `${cookie.slice(0, -2)}xx` })).status).toBe(401)
  const origins: [string | undefined, number][] = [
    [world.url, 202],
    ['https://evil.example', 403],
    ['null', 403],
    [undefined, 403],
  ]
  for (const [origin, expected] of origins)
    expect((await ask('POST', '/api/notifications', { cookie, ...(origin && { origin }) }, topic)).status).toBe(
      expected,
    )
  expect((await ask('GET', '/api/posts/', { cookie })).status).toBe(401)
  const other = (await signIn(OPERATOR_KEY)).headers.get('set-cookie')!.split(';', 1)[0]!
  expect((await ask('POST', '/console/sign-out', { cookie, origin: world.url })).headers.get('set-cookie')).toMatch(
    /Max-Age=0/,
  )
  // Also a cookie that somebody kept; the same person's other browser is signed in as before.
  expect((await ask('GET', '/api/notifications', { cookie })).status).toBe(401)
  expect((await ask('GET', '/console/session', { cookie })).body).toMatchObject({ signed_in: false })
  expect((await ask('GET', '/api/notifications', { cookie: other })).status).toBe(200)
})

test('behind a proxy the cookie is for TLS only', async () => {
  const headers = { 'x-forwarded-for': '203.0.113.7' }
  const answer = await ask('POST', '/console/sign-in', headers, { key: OPERATOR_KEY })
  expect(answer.headers.get('set-cookie')).toMatch(/^__Host-belfry_session=.*; Secure;/)
})

test('a backend may do what its key says, and steer only what it sent itself', async () => {
  const as = (key: string) => ({ authorization: `Bearer ${key}` })
  const made = await ask('POST', '/api/notifications', as('blf_sender'), topic)
  expect(made.status).toBe(202)
  const path = `/api/notifications/${made.body.notification_id}`
  expect((await ask('POST', '/api/notifications', as('blf_reader'), topic)).status).toBe(403)
  expect((await ask('POST', '/api/notifications', as('blf_unknown'), topic)).status).toBe(401)
  expect((await ask('GET', path, as('blf_reader'))).status).toBe(200)
  expect((await ask('GET', path, as('blf_sender'))).status).toBe(403)
  expect((await ask('GET', '/api/operator/alarms', as('blf_reader'))).status).toBe(403)
  expect((await ask('POST', `${path}/pause`, as('blf_other'))).status).toBe(404)
  expect((await ask('POST', `${path}/pause`, as('blf_sender'))).body).toMatchObject({ state: 'paused' })
})

test('whoever shows a key or a token besides is what that says: a session adds nothing', async () => {
  const cookie = (await signIn(OPERATOR_KEY)).headers.get('set-cookie')!.split(';', 1)[0]!
  const both = (authorization: string, origin = world.url) => ({ cookie, origin, authorization })
  const list = async (authorization: string) =>
    (await ask('GET', '/api/notifications', both(authorization))).body.code ?? 200
  expect(await list('Bearer blf_reader')).toBe(200)
  expect(await list('Bearer blf_sender')).toBe('forbidden')
  expect(await list('Bearer blf_unknown')).toBe('token_invalid')
  expect(await list(await bearer('ana'))).toBe('forbidden')
  expect(await list('Bearer of nothing')).toBe('unauthenticated')
  // No browser shows a key by itself: another site's page cannot have made this request.
  const byKey = both('Bearer blf_sender', 'https://evil.example')
  const { status, body } = await ask('POST', '/api/notifications', byKey, topic)
  expect(status).toBe(202)
  expect((await ask('POST', `/api/notifications/${body.notification_id}/pause`, both('Bearer blf_other'))).status).toBe(
    404,
  )
})

test('guesses of the key are few', async () => {
  const statuses: number[] = []
  for (let guess = 0; guess < 7; guess++) statuses.push((await signIn(`guess ${guess}`)).status)
  expect(statuses).toEqual([403, 403, 403, 403, 403, 429, 429])
  const answer = await signIn(OPERATOR_KEY)
  expect(answer).toMatchObject({ status: 429, body: { code: 'too_many_attempts' } })
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(50)
})
