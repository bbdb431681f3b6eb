/** CORS: pages that were named may call the routes of apps; all others, and all other routes, get no such header. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bearer, openApi } from '../api/world.ts'
import { ask, type Headers, operator } from './kit/everybody.ts'

const PAGE = 'https://app.example.com'
let world: Awaited<ReturnType<typeof openApi>>
let ana: Headers
beforeAll(async () => {
  world = await openApi({ corsOrigins: [PAGE, 'http://localhost:8081'] })
  ana = { authorization: await bearer('ana') }
})
afterAll(() => world.close())

const allowed = 'access-control-allow-origin'
const preflight = (path: string, origin = PAGE, method = 'POST') =>
  ask(world.url + path, 'OPTIONS', {
    origin,
    'access-control-request-method': method,
    'access-control-request-headers': 'authorization,content-type',
  })

test('a preflight is answered without a token, on every route of apps', async () => {
  const routes = world.api.declaredRoutes.filter(({ caller }) => caller.startsWith('user'))
  expect(new Set(routes.map(({ url }) => url)).size).toBeGreaterThanOrEqual(9)
  for (const { url, method } of routes) {
    const { status, headers } = await preflight(url.replaceAll(/:\w+/g, 'x'), PAGE, method)
    expect([url, status]).toEqual([url, 204])
    expect(headers).toMatchObject({
      [allowed]: PAGE,
      'access-control-allow-methods': 'GET, POST, PUT, DELETE',
      'access-control-allow-headers': 'Authorization, Content-Type, Idempotency-Key',
      'access-control-max-age': '7200',
      vary: expect.stringContaining('Origin'),
    })
    expect(headers['access-control-allow-credentials']).toBeUndefined()
  }
})

test('the page reads every answer, also why it was refused', async () => {
  for (const [headers, status] of [
    [ana, 200],
    [{}, 401],
  ] as const) {
    const answer = await ask(`${world.url}/api/users/push-token`, 'GET', { origin: PAGE, ...headers })
    expect(answer.status).toBe(status)
    expect(answer.headers[allowed]).toBe(PAGE)
    expect(answer.headers['access-control-expose-headers']).toBe('Request-Id, Retry-After')
  }
})

test('other pages are told nothing', async () => {
  const strangers = ['https://evil.example', 'null', `${PAGE}.evil.example`, 'http://app.example.com', `${PAGE}:444`]
  for (const origin of strangers) {
    expect((await preflight('/api/posts/', origin)).headers[allowed]).toBeUndefined()
    const answer = await ask(`${world.url}/api/posts/`, 'GET', { origin, ...ana })
    expect([answer.status, answer.headers[allowed]]).toEqual([200, undefined])
  }
})

test('operators, the console, servers and health are not for pages of other sites', async () => {
  const others = world.api.declaredRoutes.filter(
    ({ caller, method, url }) => !caller.startsWith('user') && method !== 'OPTIONS' && url !== '*',
  )
  expect(others.length).toBeGreaterThan(20)
  for (const { url } of others) {
    const path = url.replaceAll(/:\w+/g, 'x')
    const asked = await preflight(path)
    expect([url, asked.status, asked.headers[allowed]]).toEqual([url, 404, undefined])
    expect(asked.body).toMatchObject({ success: false, code: 'not_found' })
    if (path.endsWith('/events')) continue
    const answer = await ask(world.url + path, 'GET', { origin: PAGE, ...operator })
    expect([url, answer.headers[allowed]]).toEqual([url, undefined])
  }
})

test('preflights are no part of the API document', async () => {
  const { status, body } = await ask(`${world.url}/openapi.json`, 'GET')
  expect(status).toBe(200)
  expect(Object.values(body.paths as object).flatMap((path: object) => Object.keys(path))).not.toContain('options')
})

test('without the setting there is nothing of the kind', async () => {
  const own = await openApi()
  const asked = await ask(`${own.url}/api/posts/`, 'OPTIONS', { origin: PAGE, 'access-control-request-method': 'GET' })
  const answer = await ask(`${own.url}/api/posts/`, 'GET', { origin: PAGE, ...ana })
  await own.close()
  expect([asked.status, asked.headers[allowed]]).toEqual([404, undefined])
  expect([answer.status, answer.headers[allowed], answer.headers.vary]).toEqual([200, undefined, undefined])
})
