/**
 * S1: every route that there is, by every kind of caller. The routes come from the router; the table is exact. A new
 * route belongs into it: run this file with `-u`, and see whether it was put where it should be.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ask, everybody, type Headers, openEverything } from './kit/everybody.ts'

let world: Awaited<ReturnType<typeof openEverything>>
let callers: Record<string, Headers>
let ids: Record<'message' | 'post' | 'notification', string>
beforeAll(async () => {
  world = await openEverything()
  callers = await everybody(world)
  const toCarol = { receiver_id: 'carol', message_type: 'text', content: 'x' }
  const message = await ask(`${world.url}/message/send-message`, 'POST', callers.alice, toCarol)
  const post = await ask(`${world.url}/api/posts/`, 'POST', callers.alice, {
    title: 'x',
    text_content: '',
    content_type: 'x',
  })
  const toAlice = { to: { users: ['alice'] }, title: 'x' }
  const sent = await ask(`${world.url}/api/notifications`, 'POST', callers['send key'], toAlice)
  ids = { message: message.body.message.id, post: post.body.post.id, notification: sent.body.notification_id }
})
afterAll(() => world.close())

function pathOf(url: string): string {
  const own = url.startsWith('/message/') ? ids.message : url.startsWith('/api/posts/') ? ids.post : ids.notification
  return url.replace(':user_id', 'alice').replace(':id', own).replace(':file', 'begin.js').replaceAll(/:\w+/g, 'x')
}

/**
 * In: past the door, whatever the route then says; every body is `{}`, which those that want one refuse. Else the
 * door's answer, or 404 for what is not theirs.
 */
async function cell(method: string, url: string, caller: Headers): Promise<string> {
  // From elsewhere: whoever sits at the machine itself may more.
  const elsewhere: Headers = isLocal(url) ? { 'x-forwarded-for': '203.0.113.7' } : {}
  const body = ['POST', 'PUT', 'PATCH', 'DELETE'].includes(method) ? {} : undefined
  const answer = await ask(world.url + pathOf(url), method, { ...elsewhere, ...caller }, body)
  const { code } = answer.body
  const isDoor = ['unauthenticated', 'token_invalid', 'forbidden', 'acting_for', 'wrong_origin'].includes(code)
  if (answer.status >= 500 && answer.status !== 503) throw new Error(`${method} ${url} answered ${answer.status}`)
  return isDoor || (code === 'not_found' && !isOfOperator(url)) ? String(answer.status) : 'in'
}

const signOut = '/console/sign-out'
const isLocal = (url: string) => url.startsWith('/sandbox') || url === '/metrics'
/** There, what is not found is nobody's. */
const isOfOperator = (url: string) => url.startsWith('/api/operator/') || url.startsWith('/sandbox')

test('every route lets in whom it declares, and nobody else', async () => {
  const declared = world.api.declaredRoutes.filter(({ method }) => method !== 'HEAD')
  // Last, because it ends the session that the others are tried with.
  const routes = declared.toSorted((a, b) => Number(a.url === signOut) - Number(b.url === signOut))
  const rows = new Map<string, string>()
  for (const { method, url } of routes) {
    const cells: string[] = []
    for (const caller of Object.values(callers)) cells.push((await cell(method, url, caller)).padEnd(3))
    rows.set(`${method} ${url}`, cells.join(' ').trimEnd())
  }
  const alike = Map.groupBy([...rows.keys()].toSorted(), (route) => rows.get(route)!)
  const table = [...alike.keys()].toSorted().map((row) => [row, ...alike.get(row)!.map((route) => `  ${route}`)])
  const head = Object.keys(callers).join(' | ')
  expect(`\n${[head, ...table.flat()].join('\n')}\n`).toMatchInlineSnapshot(`
    "
    nobody | alice | bob | forged | send key | users key | users key for alice | send key for alice | read key | ended key | no key | operator | console | webhook
    401 401 401 401 401 401 401 401 401 401 401 401 401 in
      POST /hooks/supabase
    401 403 403 401 403 403 403 403 403 401 401 in  401 401
      DELETE /sandbox/--/api/v2/push/getReceipts
      DELETE /sandbox/--/api/v2/push/send
      DELETE /sandbox/api/faults
      DELETE /sandbox/api/phones/:id
      DELETE /sandbox/api/strangers
      GET /metrics
      GET /sandbox
      GET /sandbox/--/api/v2/push/getReceipts
      GET /sandbox/--/api/v2/push/send
      GET /sandbox/api/faults
      GET /sandbox/api/phones
      GET /sandbox/api/state
      GET /sandbox/api/stats
      GET /sandbox/api/token
      GET /sandbox/assets/:file
      GET /sandbox/assets/emoji.css
      GET /sandbox/assets/noto-color-emoji-emoji-400-normal.woff2
      GET /sandbox/events
      PATCH /sandbox/--/api/v2/push/getReceipts
      PATCH /sandbox/--/api/v2/push/send
      PATCH /sandbox/api/faults
      PATCH /sandbox/api/phones/:id
      POST /sandbox/--/api/v2/push/getReceipts
      POST /sandbox/--/api/v2/push/send
      POST /sandbox/api/phones
      POST /sandbox/api/phones/:id/dismiss
      POST /sandbox/api/phones/:id/tap
      PUT /sandbox/--/api/v2/push/getReceipts
      PUT /sandbox/--/api/v2/push/send
    401 403 403 401 403 403 403 403 403 401 401 in  in  401
      DELETE /api/operator/keys/:id
      DELETE /api/operator/users/:user
      GET /api/operator/alarms
      GET /api/operator/audit
      GET /api/operator/explain
      GET /api/operator/keys
      GET /api/operator/now
      GET /api/operator/now/events
      GET /api/operator/people
      GET /api/operator/people/:user
      GET /api/operator/tokens
      GET /api/operator/users/:user/export
      POST /api/operator/alarms/:id/:verb
      POST /api/operator/keys
      POST /api/operator/keys/:id/rotate
      POST /api/operator/tokens/import
    401 403 403 401 403 403 403 403 in  401 401 in  in  401
      GET /api/notifications
      GET /api/notifications/:id
      GET /api/notifications/:id/events
      GET /api/notifications/:id/reasons
    401 403 403 401 in  403 403 in  403 401 401 in  in  401
      POST /api/notifications
      POST /api/notifications/:id/cancel
      POST /api/notifications/:id/pause
      POST /api/notifications/:id/resume
    401 in  404 401 403 400 in  403 403 401 401 403 401 401
      GET /message/:id
      POST /api/notifications/:id/opened
    401 in  404 401 in  403 in  403 403 401 401 in  in  401
      POST /test-push-notification/:user_id
    401 in  in  401 403 400 in  403 403 401 401 403 401 401
      DELETE /api/topics/:topic/subscription
      DELETE /api/users/push-token
      GET /api/posts/
      GET /api/posts/:id
      GET /api/users/me/mutes
      GET /api/users/push-token
      POST /api/posts/
      POST /api/users/push-token
      POST /message/send-message
      PUT /api/topics/:topic/subscription
      PUT /api/users/me/mutes
    403 403 403 403 403 403 403 403 403 403 403 403 in  403
      POST /console/sign-out
    in  in  in  in  in  in  in  in  in  in  in  in  in  in
      GET /
      GET /console
      GET /console/assets/:file
      GET /console/session
      GET /docs
      GET /docs/:file
      GET /healthz
      GET /openapi.json
      GET /readyz
      POST /console/sign-in
    "
  `)
}, 120_000)

test('a HEAD is let in as the GET is', () => {
  const get = new Map(
    world.api.declaredRoutes.filter(({ method }) => method === 'GET').map(({ url, caller }) => [url, caller]),
  )
  const heads = world.api.declaredRoutes.filter(({ method }) => method === 'HEAD')
  expect(heads.length).toBeGreaterThan(10)
  expect(heads.filter(({ url, caller }) => get.get(url) !== caller)).toEqual([])
})
