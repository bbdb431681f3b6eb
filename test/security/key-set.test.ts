/** The key set at JWKS_URL through its life: keys come and go, its server slows, fails and lies. Only the clock is ours. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { openApi } from '../api/world.ts'
import { call } from '../kit/call.ts'
import { type Issuer, type Key, newKey, openIssuer, signed } from './kit/issuer.ts'

const [first, second, third] = [newKey('first', 'ES256'), newKey('second', 'ES256'), newKey('third', 'EdDSA')]
let issuer: Issuer
let shared: Awaited<ReturnType<typeof openApi>>
let world: Awaited<ReturnType<typeof openApi>>
beforeAll(async () => {
  shared = await openApi()
  vi.useFakeTimers({ toFake: ['Date'] })
})
afterAll(async () => {
  vi.useRealTimers()
  await shared.close()
})
beforeEach(async () => {
  issuer = await openIssuer('/jwks', [first])
  const jwt = { jwksUrl: `${issuer.origin}/jwks`, userClaim: 'sub', nameClaims: [] }
  world = await openApi({ jwt, database: shared.database })
})
afterEach(async () => {
  await world.close()
  await issuer.close()
})

/** The answer to a token of this key: its status, or the word for what is wrong. */
async function answer(key: Key, header: Record<string, unknown> = {}): Promise<number | string> {
  const token = signed(key, { sub: 'ana', exp: Math.floor(Date.now() / 1000) + 600 }, header)
  const { status, body, headers } = await call('GET', `${world.url}/api/users/push-token`, { token })
  if (status === 503) expect(Number(headers['retry-after'])).toBeGreaterThan(0)
  return status === 200 ? 200 : String(body.code)
}
const pass = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1_000)

test('a new key is known at its first token, once the last look is 30 s old; the old one lives as long as it is in the set', async () => {
  expect(await answer(first)).toBe(200)
  expect(issuer.asked).toBe(1)
  issuer.published = [first.jwk, second.jwk]
  expect(await answer(second)).toBe('token_invalid')
  pass(31)
  expect([await answer(second), await answer(first)]).toEqual([200, 200])
  expect(issuer.asked).toBe(2)
  issuer.published = [second.jwk]
  pass(601)
  expect([await answer(second), await answer(first)]).toEqual([200, 'token_invalid'])
  issuer.published = [second.jwk, third.jwk]
  pass(31)
  expect(await answer(third)).toBe(200)
})

test('known keys are asked for every 10 minutes, however many tokens come', async () => {
  for (let minute = 0; minute < 30; minute++) {
    expect(await answer(first)).toBe(200)
    pass(60)
  }
  expect(issuer.asked).toBe(3)
})

test('a flood of unknown keys asks once in 30 s; of 200 at once, once', async () => {
  expect(await answer(first)).toBe(200)
  pass(31)
  const flood = await Promise.all(Array.from({ length: 200 }, (_, n) => answer(first, { kid: `made-up-${n}` })))
  expect(new Set(flood)).toEqual(new Set(['token_invalid']))
  expect(issuer.asked).toBe(2)
  for (let n = 0; n < 6; n++) {
    pass(10)
    expect(await answer(first, { kid: `later-${n}` })).toBe('token_invalid')
  }
  expect(issuer.asked).toBeLessThanOrEqual(4)
})

test('its server may be away for an hour: known keys go on, unknown ones wait; a failing server is not flooded', async () => {
  expect(await answer(first)).toBe(200)
  issuer.instead = { status: 500 }
  issuer.published = [first.jwk, second.jwk]
  pass(31)
  const asked = issuer.asked
  for (let n = 0; n < 20; n++) expect(await answer(second)).toBe('token_invalid')
  expect(issuer.asked - asked).toBe(1)
  pass(20 * 60)
  for (let n = 0; n < 20; n++) expect(await answer(first)).toBe(200)
  expect(issuer.asked - asked).toBe(2)
  pass(39 * 60)
  expect(await answer(first)).toBe(200)
  pass(60)
  expect(await answer(first)).toBe('keys_away')
  issuer.instead = undefined
  pass(4)
  expect([await answer(first), await answer(second)]).toEqual([200, 200])
})

test.each([
  ['nothing', { status: 204 }],
  ['no JSON', { status: 200, body: '<html>' }],
  ['no keys', { status: 200, body: '{"keys":{}}' }],
  ['null', { status: 200, body: 'null' }],
  ['2 MB', { status: 200, body: `{"keys":[],"pad":"${'x'.repeat(2_000_000)}"}` }],
  ['a redirect', { status: 302, headers: { location: '/elsewhere' } }],
  ['a redirect that keeps the method', { status: 307, headers: { location: '/elsewhere' } }],
  ['half an answer', { status: 200, body: '{"keys":[' }],
])('a server that answers %s has no keys, and that is no fault of the token', async (_, instead) => {
  issuer.instead = instead
  expect(await answer(first)).toBe('keys_away')
  expect(issuer.strayed).toEqual([])
  issuer.instead = undefined
  pass(10)
  expect(await answer(first)).toBe(200)
})

test('keys that are broken, for something else, or of no kind that we know do not spoil those beside them', async () => {
  const broken = [{}, { kty: 'RSA', kid: 'first' }, { kty: 'XX', kid: 'first' }, { kty: 'EC', crv: 'P-999', kid: 'x' }]
  issuer.published = [...broken, { ...second.jwk, use: 'enc' }, first.jwk]
  expect(await answer(first)).toBe(200)
  expect(await answer(second)).toBe('token_invalid')
})

test('a set without kids, and a token without one, fit when there is one key of that kind', async () => {
  const { kid: _, ...anonymous } = first.jwk as Record<string, unknown>
  issuer.published = [anonymous, third.jwk]
  expect(await answer(first, { kid: undefined })).toBe(200)
})
