/** S2: an id of somebody else opens nothing: 404, and not one row is another. */

import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { TABLE_NAMES } from '../../src/store/schema/tables.ts'
import { bearer } from '../api/world.ts'
import { ask, everybody, type Headers, makeKey, openEverything, show } from './kit/everybody.ts'

let world: Awaited<ReturnType<typeof openEverything>>
let callers: Record<string, Headers>
/** Other backends and users than those whose things are asked for. */
let others: { user: Headers; key: Headers; keyForUser: Headers }
const own: Record<string, string> = {}

beforeAll(async () => {
  world = await openEverything()
  callers = await everybody(world)
  const all = await makeKey(world, ['send', 'users', 'read'], 'another backend')
  others = {
    user: { authorization: await bearer('mallory', 'Mallory') },
    key: show(all.secret),
    keyForUser: show(all.secret, { 'belfry-user': 'mallory' }),
  }
  const post = (path: string, caller: Headers, body: object) => ask(world.url + path, 'POST', caller, body)
  const token = { push_token: 'ExponentPushToken[of-alice]', device_type: 'ios', installation_id: 'phone-of-alice' }
  await post('/api/users/push-token', callers.alice!, token)
  const message = { receiver_id: 'bob', message_type: 'text', content: 'x' }
  own.message = (await post('/message/send-message', callers.alice!, message)).body.message.id
  const notification = { to: { users: ['alice'] }, title: 'x' }
  own.notification = (await post('/api/notifications', callers['send key']!, notification)).body.notification_id
  // Known before, so that being turned away is all that happens.
  for (const caller of [others.user, others.keyForUser]) await ask(`${world.url}/api/users/me/mutes`, 'GET', caller)
})
afterAll(() => world.close())

/** What every table holds; not when a key was last used, nor whom this process has met. */
async function everything(): Promise<Record<string, unknown[]>> {
  const { db } = world.database
  const tables = TABLE_NAMES.filter((name) => name !== 'server_keys')
  const rows = tables.map(async (name) => {
    const found = await db.rows<{ row: string }>(sql`select t::text as row from ${db.t[name]} t order by 1`)
    return [name, found.map(({ row }) => row)] as const
  })
  return Object.fromEntries(await Promise.all(rows))
}

const user = () => [others.user, others.keyForUser]
const key = () => [others.key]
interface Swap {
  path: () => string
  by: () => Headers[]
}
/** The routes with an id in their address that is somebody's; a post is everybody's, a topic nobody's. */
const swaps: Record<string, Swap> = {
  'GET /message/:id': { path: () => `/message/${own.message}`, by: user },
  'POST /api/notifications/:id/opened': { path: () => `/api/notifications/${own.notification}/opened`, by: user },
  'POST /test-push-notification/:user_id': { path: () => '/test-push-notification/alice', by: user },
  'POST /api/notifications/:id/pause': { path: () => `/api/notifications/${own.notification}/pause`, by: key },
  'POST /api/notifications/:id/resume': { path: () => `/api/notifications/${own.notification}/resume`, by: key },
  'POST /api/notifications/:id/cancel': { path: () => `/api/notifications/${own.notification}/cancel`, by: key },
}
const open = ['GET /api/posts/:id', 'PUT /api/topics/:topic/subscription', 'DELETE /api/topics/:topic/subscription']
/** With the scope `read` one sees what all backends have sent. */
const seen = ['GET /api/notifications/:id', 'GET /api/notifications/:id/events', 'GET /api/notifications/:id/reasons']

test('no route with an id in its address is forgotten here', () => {
  const routes = world.api.declaredRoutes
    .filter(({ method, url, caller }) => method !== 'HEAD' && url.includes(':') && /user|server/.test(caller))
    .map(({ method, url }) => `${method} ${url}`)
  expect(routes.toSorted()).toEqual([...Object.keys(swaps), ...open, ...seen].toSorted())
})

test.each(Object.entries(swaps))('%s, of somebody else', async (route, { path, by }) => {
  const before = await everything()
  const method = route.split(' ', 1)[0]!
  for (const caller of by()) {
    const answer = await ask(world.url + path(), method, caller)
    expect(answer).toMatchObject({ status: 404, body: { success: false, code: 'not_found' } })
  }
  expect(await everything()).toEqual(before)
})

test("a log-out with somebody else's push token or installation does nothing, and does not say so", async () => {
  const before = await everything()
  const theirs = [{ push_token: 'ExponentPushToken[of-alice]' }, { installation_id: 'phone-of-alice' }]
  for (const body of theirs)
    for (const caller of user())
      expect((await ask(`${world.url}/api/users/push-token`, 'DELETE', caller, body)).status).toBe(200)
  expect(await everything()).toEqual(before)
})

test("somebody else's installation is not replaced, and their idempotency key is not known", async () => {
  const { url } = world
  const token = { push_token: 'ExponentPushToken[of-mallory]', device_type: 'ios', installation_id: 'phone-of-alice' }
  expect((await ask(`${url}/api/users/push-token`, 'POST', others.user, token)).status).toBe(200)
  const alices = await ask(`${url}/api/users/push-token`, 'GET', callers.alice)
  expect(alices.body.push_tokens).toMatchObject([{ push_token: 'ExponentPushToken[of-alice]', active: true }])

  const said = { title: 'x', text_content: 'x', content_type: 'x' }
  const once = { 'idempotency-key': 'the-same' }
  const posted = await Promise.all(
    [callers.alice, callers['users key for alice'], others.user, others.keyForUser].map((caller) =>
      ask(`${url}/api/posts/`, 'POST', { ...caller, ...once }, said),
    ),
  )
  expect(new Set(posted.map(({ body }) => body.post.id)).size).toBe(4)
})
