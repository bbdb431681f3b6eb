/** S10: limits per user, key and address hold; a forged X-Forwarded-For changes nothing; nobody fills the memory. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type FastifyRequest, fastify } from 'fastify'
import { afterEach, describe, expect, test } from 'vitest'
import { openLimits } from '../../src/api/callers/limits.ts'
import { Fault } from '../../src/api/http/faults.ts'
import type { ApiOptions } from '../../src/api/options.ts'
import { bearer, jwt, OPERATOR_KEY, openApi } from '../api/world.ts'
import { ask, type Headers, makeKey, operator, show } from './kit/everybody.ts'

const none = { perUser: 0, perKey: 0, perAddress: 0 }
let world: Awaited<ReturnType<typeof openApi>> | undefined
afterEach(async () => {
  await world?.close()
  world = undefined
})

async function open(options: Partial<ApiOptions>) {
  world = await openApi(options)
  const { url } = world
  const get = (headers: Headers, path = '/api/users/me/mutes') => ask(url + path, 'GET', headers)
  const statuses = async (times: number, headers: (n: number) => Headers | Promise<Headers>, path?: string) => {
    const all: number[] = []
    for (let n = 0; n < times; n++) all.push((await get(await headers(n), path)).status)
    return all
  }
  return { world, get, statuses }
}

const times = (count: number, status: number): number[] => Array.from({ length: count }, () => status)

test('a user has so many requests a minute, and others keep theirs', async () => {
  const { get, statuses } = await open({ rateLimits: { ...none, perUser: 5 } })
  const [ana, ben] = [{ authorization: await bearer('ana') }, { authorization: await bearer('ben') }]
  expect(await statuses(7, () => ana)).toEqual([...times(5, 200), 429, 429])
  // Another token is the same user, and so is a backend that calls for them.
  expect((await get({ authorization: await bearer('ana', 'Ana') })).status).toBe(429)
  const users = await makeKey(world!, ['users'])
  expect((await get(show(users.secret, { 'belfry-user': 'ana' }))).status).toBe(429)
  expect((await get(show(users.secret, { 'belfry-user': 'cleo' }))).status).toBe(200)
  expect((await get(ben)).status).toBe(200)
  const refused = await get(ana)
  expect(refused.body).toMatchObject({ success: false, code: 'too_many_requests', error: 'Too many requests' })
  const seconds = Number(refused.headers['retry-after'])
  expect(seconds).toBeGreaterThan(0)
  expect(seconds).toBeLessThanOrEqual(60)
})

test('a key has so many requests a minute, and others keep theirs', async () => {
  const { get, statuses } = await open({ rateLimits: { ...none, perKey: 4 } })
  const [one, two] = [await makeKey(world!, ['read', 'users']), await makeKey(world!, ['read'])]
  expect(await statuses(3, () => show(one.secret), '/api/notifications')).toEqual(times(3, 200))
  // For whom it calls makes no difference, nor does a new secret.
  expect((await get(show(one.secret, { 'belfry-user': 'ana' }))).status).toBe(200)
  const renewed = await ask(`${world!.url}/api/operator/keys/${one.id}/rotate`, 'POST', operator)
  expect(await get(show(renewed.body.secret), '/api/notifications')).toMatchObject({ status: 429 })
  expect((await get(show(two.secret), '/api/notifications')).status).toBe(200)
  expect((await get(operator, '/api/notifications')).status).toBe(200)
})

describe('an address', () => {
  const guess = (n: number) => show(`guess-${n}`)

  test('has so many failures a minute; who shows something good is let in all the same', async () => {
    const { world: own, get, statuses } = await open({ rateLimits: { ...none, perAddress: 4 } })
    const { secret } = await makeKey(own, ['read'])
    const wrong: Headers[] = [
      {},
      show('nonsense'),
      show(`blf_${'A'.repeat(43)}`),
      { authorization: await bearer('ana', null, { ...jwt, secret: 'y'.repeat(64) }) },
    ]
    expect(await statuses(6, (n) => wrong[n % 4]!)).toEqual([401, 401, 401, 401, 429, 429])
    expect(await get({})).toMatchObject({ status: 429, body: { code: 'too_many_requests' } })
    // Everybody behind this address is still served, with what cannot be guessed.
    expect((await get({ authorization: await bearer('ana') })).status).toBe(200)
    expect((await get(show(secret), '/api/notifications')).status).toBe(200)
    // The operator key is what a person may have made up: here it is not even compared.
    expect((await get(operator, '/api/notifications')).status).toBe(429)
  })

  test('is not spent by good requests, expired tokens, or what is forbidden', async () => {
    const { statuses } = await open({ rateLimits: { ...none, perAddress: 2 } })
    const ana = await bearer('ana')
    const stale = { ...jwt, secret: jwt.secret! }
    const { mintJwt } = await import('../../src/api/callers/jwt.ts')
    const expired = `Bearer ${await mintJwt(stale, { id: 'ana', name: null }, -60)}`
    expect(await statuses(5, () => ({ authorization: ana }))).toEqual(times(5, 200))
    expect(await statuses(5, () => ({ authorization: expired }))).toEqual(times(5, 401))
    expect(await statuses(5, () => ({ authorization: ana }), '/api/operator/keys')).toEqual(times(5, 403))
    expect(await statuses(3, guess)).toEqual([401, 401, 429])
  })

  test('is where the connection comes from, whatever X-Forwarded-For says', async () => {
    const { statuses } = await open({ rateLimits: { ...none, perAddress: 4 } })
    const forged = (n: number) => show(`guess-${n}`, { 'x-forwarded-for': `203.0.113.${n}` })
    expect(await statuses(8, forged)).toEqual([...times(4, 401), ...times(4, 429)])
    expect((await statuses(1, guess))[0]).toBe(429)
  })

  test('is what the trusted proxy saw, not what its caller claims', async () => {
    for (const trustProxy of [1, ['127.0.0.0/8']]) {
      const { statuses } = await open({ trustProxy, rateLimits: { ...none, perAddress: 3 } })
      const from = (address: string) => (n: number) =>
        show(`guess-${n}`, { 'x-forwarded-for': `198.51.100.${n}, ${address}` })
      expect(await statuses(5, from('203.0.113.1'))).toEqual([...times(3, 401), 429, 429])
      expect(await statuses(4, from('203.0.113.2'))).toEqual([...times(3, 401), 429])
      // A /64 is one home.
      const home = (n: number) => show(`guess-${n}`, { 'x-forwarded-for': `2001:db8:0:1::${n + 1}` })
      expect(await statuses(4, home)).toEqual([...times(3, 401), 429])
      // What is no address is the proxy's own: long words take no room, and give none.
      const words = (n: number) => show(`guess-${n}`, { 'x-forwarded-for': 'x'.repeat(5_000 + n) })
      expect(await statuses(4, words)).toEqual([...times(3, 401), 429])
      await world!.close()
      world = undefined
    }
  })
})

test('0 is no limit', async () => {
  const { statuses } = await open({ rateLimits: none })
  const ana = { authorization: await bearer('ana') }
  expect(new Set(await statuses(200, () => ana))).toEqual(new Set([200]))
  expect(new Set(await statuses(200, (n) => show(`${OPERATOR_KEY}${n}`)))).toEqual(new Set([401]))
})

test('a million addresses, users and keys take less than 20 MB', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const heap = () => (collect(), process.memoryUsage().heapUsed)
  const app = fastify()
  const limits = await openLimits(app, { perUser: 5, perKey: 5, perAddress: 5 })
  await app.ready()
  const fault = new Fault('token_invalid')
  const asked = (more: object) => ({ routeOptions: { config: {} }, socket: {}, ...more }) as unknown as FastifyRequest
  const hex = (n: number) => n.toString(16)
  const before = heap()
  for (let n = 0; n < 1_000_000; n++) {
    const ip =
      n % 2 === 0 ? `2001:db8:${hex(n >> 16)}:${hex(n & 65_535)}::1` : `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`
    await limits.countFailure(asked({ ip }), fault)
    if (n % 10 > 0) continue
    await limits.countUser(asked({ user: { id: `${n}`.padStart(128, 'ä'), name: null } }))
    await limits.countKey(asked({ byServer: { id: `${n}`, scopes: [] } }))
  }
  const grown = (heap() - before) / 1024 / 1024
  expect(grown).toBeLessThan(20)
  // And it still counts.
  const last = asked({ ip: '203.0.113.9' })
  const answers = []
  for (let n = 0; n < 7; n++) answers.push(((await limits.countFailure(last, fault)) as Fault).code)
  expect(answers.slice(4)).toEqual(['token_invalid', 'too_many_requests', 'too_many_requests'])
  await app.close()
}, 240_000)
