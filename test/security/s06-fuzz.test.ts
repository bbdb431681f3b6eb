/**
 * S6: whatever is sent, to any route, by anybody: never a 5xx, and valid requests between are served. Half of it is
 * raw bytes, to the routes of the router; half is made from the OpenAPI document. `FUZZ_REQUESTS=200000` does more.
 */
import { expect, test } from 'vitest'
import { eachOf } from '../kit/call.ts'
import { mintToken, OPERATOR_KEY } from '../kit/server.ts'
import { openWorld, type World } from '../kit/world.ts'
import { exchange, fuzz, isFine, isUnfinished } from '../stories/fuzz.ts'
import { openEverything } from './kit/everybody.ts'
import { readOperations, requestsOf } from './kit/from-document.ts'

const REQUESTS = Number(process.env.FUZZ_REQUESTS ?? 20_000)
const SEED = Number(process.env.FUZZ_SEED ?? 20_261_122)
const AT_ONCE = 96
const HONEST_EVERY = 250
const WEBHOOK_SECRET = 'a-webhook-secret-that-only-the-tests-know'
/** A test push that waits for Expo takes 10 s of it. */
const PATIENCE_MS = 30_000
const env = { SUPABASE_WEBHOOK_SECRET: WEBHOOK_SECRET, RATE_LIMIT_PER_ADDRESS: '0', EXPO_TIMEOUT_MS: '2000' }

/** Everybody there is: users, the operator by key and by cookie, another backend, Supabase, and forgers. */
async function everybody(world: World): Promise<{ bearers: string[]; logins: string[] }> {
  const json = { name: 'fuzz', scopes: ['send', 'read', 'users'] }
  const key = await world.operator<{ secret: string }>('POST', '/api/operator/keys', { json })
  const signIn = await world.call('POST', '/console/sign-in', { json: { key: OPERATOR_KEY } })
  const cookie = String(signIn.headers['set-cookie']).split(';')[0]
  const user = mintToken('fuzz')
  const [header, claims] = user.split('.')
  return {
    bearers: [
      user,
      user,
      user,
      OPERATOR_KEY,
      OPERATOR_KEY,
      key.body.secret,
      WEBHOOK_SECRET,
      `${header}.${claims}.`,
      'blf_x',
      '\xff',
      '',
    ],
    logins: [
      `Cookie: ${cookie}\r\nOrigin: http://localhost`,
      `Authorization: Bearer ${key.body.secret}\r\nBelfry-User: fuzz`,
      `Authorization: Bearer ${key.body.secret}\r\nBelfry-User: \xff${'x'.repeat(300)}`,
      `X-Webhook-Secret: ${WEBHOOK_SECRET}`,
      `Authorization: Bearer ${OPERATOR_KEY}`,
      `Authorization: Bearer ${user}`,
      'X-Nobody: at all',
    ],
  }
}

/** Nobody that a request is made of: operators' requests erase people. */
const HONEST = 'somebody honest'

/** One person's day, among all of it. */
async function honest(world: World, n: number): Promise<string[]> {
  const ana = world.user(HONEST)
  const push_token = 'ExponentPushToken[honest]'
  const answers = [
    await ana.call('POST', '/api/users/push-token', { json: { push_token, device_type: 'ios' } }),
    await ana.call('GET', '/api/users/push-token'),
    await ana.post({ title: `Honest ${n}` }),
    await world.operator('GET', '/api/notifications'),
    await world.call('GET', '/readyz'),
  ]
  const faults = answers.map(({ status, text }) => (status === 200 ? '' : `honest ${status}: ${text}`))
  if (!answers[1]!.text.includes(push_token)) faults.push(`honest: not listed in ${answers[1]!.text}`)
  return faults.filter((fault) => fault !== '')
}

test(`S6: raw requests to every route of the router`, async () => {
  const world = await openWorld({ database: 'pglite', env: { ...env, EXPO_PUSH_URL: undefined } })
  try {
    const { bearers, logins } = await everybody(world)
    const requests = fuzz(SEED, bearers, { routes: await routesOfAll(), logins })
    const statuses: Record<string, number> = {}
    const bad: string[] = []
    const all = (function* () {
      for (let n = 0; n < REQUESTS / 2; n++) yield [n, requests.next()] as const
    })()
    await eachOf(all, AT_ONCE, async ([n, bytes]) => {
      if (n % HONEST_EVERY === 0) bad.push(...(await honest(world, n)))
      const answer = await exchange(world.server.port, bytes, isUnfinished(bytes) ? 300 : PATIENCE_MS)
      const status = typeof answer === 'string' ? answer : Math.floor(answer.status / 100)
      statuses[status] = (statuses[status] ?? 0) + 1
      if (!isFine(answer, bytes))
        bad.push(`request ${n}: ${JSON.stringify(answer).slice(0, 300)} to ${bytes.toString('latin1').slice(0, 600)}`)
    })
    console.log('S6, raw:', statuses)
    bad.push(...errorsIn(world))
    expect(bad.slice(-10), `seed ${SEED}, ${bad.length} in all`).toEqual([])
    // Enough of them came past the door to prove something.
    expect(statuses[2]).toBeGreaterThan(REQUESTS / 50)
    expect(statuses[4]).toBeGreaterThan(REQUESTS / 10)
    expect(await honest(world, -1)).toEqual([])
  } finally {
    await world.close()
  }
}, 1_200_000)

test('S6: requests made from the OpenAPI document, fitting and broken', async () => {
  const world = await openWorld({ database: 'postgres', env })
  try {
    const { bearers, logins } = await everybody(world)
    const { body } = await world.call<Parameters<typeof readOperations>[0]>('GET', '/openapi.json')
    const operations = readOperations(body)
    expect(operations.length).toBeGreaterThan(20)
    const bad: string[] = []
    const seen: Record<string, number[]> = {}
    const all = requestsOf(operations, SEED, Math.ceil(REQUESTS / 2 / operations.length), {
      logins: [
        ...bearers.slice(0, 7).map((token) => `Authorization: Bearer ${token}`),
        ...logins.filter((_, n) => n !== 2),
      ],
    })
    let n = 0
    await eachOf(all, AT_ONCE, async ({ operation, isFitting, bytes }) => {
      if (n++ % HONEST_EVERY === 0) bad.push(...(await honest(world, n)))
      const answer = await exchange(world.server.port, bytes, PATIENCE_MS)
      const status = typeof answer === 'string' ? answer : answer.status
      const { name, statuses } = operation
      if (typeof status === 'number') (seen[name] ??= []).push(status)
      const known =
        typeof status === 'number' &&
        status < 500 &&
        (statuses.has(String(status)) || statuses.has(`${String(status)[0]}XX`) || statuses.has('default'))
      if (!isFine(answer, bytes) || !known)
        bad.push(
          `${name}, ${isFitting ? 'fitting' : 'broken'}: ${JSON.stringify(answer).slice(0, 300)} to ${bytes.toString('utf8').slice(0, 500)}`,
        )
    })
    const sums = Map.groupBy(Object.values(seen).flat(), (status) => Math.floor(status / 100))
    console.log(
      'S6, from the document:',
      operations.length,
      'operations,',
      Object.fromEntries([...sums].map(([k, v]) => [k, v.length])),
    )
    bad.push(...errorsIn(world))
    expect(bad.slice(-10), `seed ${SEED}, ${bad.length} in all`).toEqual([])
    expect(sums.get(2)!.length).toBeGreaterThan(REQUESTS / 40)
    expect(await honest(world, -1)).toEqual([])
    const ben = world.user('ben, who is honest')
    const device = await ben.register()
    const message = await world.user(HONEST).message(ben, 'Still there?')
    await expect
      .poll(() => world.expo.counts(message.body.notification_id), { timeout: 20_000 })
      .toEqual({ [device]: 1 })
  } finally {
    await world.close()
  }
}, 1_200_000)

/** What the server itself calls an error of its own. */
function errorsIn(world: World): string[] {
  const own = world.server.log().filter(({ msg }) => msg === 'a request failed')
  return own.slice(0, 5).map((line) => JSON.stringify(line))
}

/** As the router has them, the sandbox's and the console's too. */
async function routesOfAll(): Promise<string[]> {
  const own = await openEverything()
  const routes = own.api.declaredRoutes.map(({ method, url }) => `${method} ${url}`)
  await own.close()
  expect(routes.length).toBeGreaterThan(60)
  return routes
}
