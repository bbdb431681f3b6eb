/** What the routes answer is what /openapi.json says: every field that it promises, and none that it does not name. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { call } from '../kit/call.ts'
import { bearer, OPERATOR_KEY, openApi } from './world.ts'

interface Schema {
  $ref?: string
  anyOf?: Schema[]
  allOf?: Schema[]
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  enum?: unknown[]
  const?: unknown
}
interface Document {
  paths: Record<string, Record<string, { responses: Record<string, { content: Record<string, { schema: Schema }> }> }>>
  components: { schemas: Record<string, Schema> }
}

const WEBHOOK_SECRET = 'a-webhook-secret-that-only-tests-know'
let api: Awaited<ReturnType<typeof openApi>>
let document: Document
beforeAll(async () => {
  api = await openApi({ webhookSecret: WEBHOOK_SECRET })
  document = (await call<Document>('GET', `${api.url}/openapi.json`)).body
})
afterAll(() => api.close())

/** What does not fit, by the path to it. */
function misfits(value: unknown, schema: Schema, path: string): string[] {
  const { $ref, anyOf, allOf, properties, required = [], items } = schema
  if ($ref) return misfits(value, document.components.schemas[$ref.split('/').at(-1)!]!, path)
  if (anyOf) {
    const tries = anyOf.map((one) => misfits(value, one, path))
    return tries.find((one) => one.length === 0) ?? tries[0]!
  }
  if (allOf) return misfits(value, { properties: Object.assign({}, ...allOf.map((one) => one.properties)) }, path)
  if (schema.enum && value !== null && !schema.enum.includes(value)) return [`${path} is none of its words`]
  if ('const' in schema && schema.const !== value) return [`${path} is not ${String(schema.const)}`]
  if (items && Array.isArray(value)) return value.flatMap((one, n) => misfits(one, items, `${path}[${n}]`))
  if (!properties || typeof value !== 'object' || value === null) return []
  return [
    ...required.filter((name) => !Object.hasOwn(value, name)).map((name) => `${path}.${name} is missing`),
    ...Object.entries(value).flatMap(([name, one]) =>
      properties[name] ? misfits(one, properties[name], `${path}.${name}`) : [`${path}.${name} is not told`],
    ),
  ]
}

test('every answer has the fields that the document names', async () => {
  const found: string[] = []
  const user = { authorization: await bearer('ana', 'Ana') }
  const operator = { authorization: `Bearer ${OPERATOR_KEY}` }
  const supabase = { 'x-webhook-secret': WEBHOOK_SECRET }
  /** @param path with what stands for `{…}` in brackets behind its name, as in `/api/posts/{id=1}`. */
  async function ask(headers: Record<string, string>, method: string, path: string, json?: object) {
    const [template = '', query = ''] = path.replaceAll(/=[^}]*}/g, '}').split('?')
    const asked = path.replaceAll(/{\w+=([^}]*)}/g, '$1')
    const { status, body } = await call(method, api.url + asked, { headers, ...(json && { json }) })
    const answer = document.paths[template]?.[method.toLowerCase()]?.responses[status]
    const told = `${method} ${template}${query && '?'} ${status}`
    if (!answer) found.push(`${told} is not told`)
    else found.push(...misfits(body, answer.content['application/json']!.schema, told))
    return body as Record<string, { id: string }> & { notification_id: string }
  }
  const push_token = 'ExponentPushToken[told]'
  await ask(user, 'POST', '/api/users/push-token', { push_token, device_type: 'ios' })
  await ask(user, 'GET', '/api/users/push-token')
  const { post } = await ask(user, 'POST', '/api/posts/', { title: 'A', text_content: 'b', content_type: 'note' })
  await ask(user, 'GET', '/api/posts/')
  await ask(user, 'GET', `/api/posts/{id=${post!.id}}`)
  const words = { receiver_id: 'ben', message_type: 'text', content: 'Hello' }
  const { message } = await ask(user, 'POST', '/message/send-message', words)
  await ask(user, 'GET', `/message/{id=${message!.id}}`)
  await ask(user, 'GET', '/message/{id=nothing}')
  for (const method of ['PUT', 'DELETE']) await ask(user, method, '/api/topics/{topic=bells}/subscription')
  await ask(user, 'PUT', '/api/users/me/mutes', { kinds: ['post'] })
  await ask(user, 'GET', '/api/users/me/mutes')

  const sent = { to: { users: ['ana'] }, title: 'Hello' }
  const { notification_id: id } = await ask(operator, 'POST', '/api/notifications', sent)
  await ask(operator, 'POST', '/api/notifications', { ...sent, dry_run: true })
  await ask(operator, 'POST', '/api/notifications', { to: 'nobody' })
  await ask(user, 'POST', `/api/notifications/{id=${id}}/opened`)
  for (const path of ['', `/{id=${id}}`, `/{id=${id}}/reasons`]) await ask(operator, 'GET', `/api/notifications${path}`)
  for (const verb of ['pause', 'resume', 'cancel']) await ask(operator, 'POST', `/api/notifications/{id=${id}}/${verb}`)

  const hook = (type: string, table: string, record: object) =>
    ask(supabase, 'POST', '/hooks/supabase', { type, table, record })
  await hook('INSERT', 'posts', { id: 1, user_id: 'ana', title: 'Rain' })
  await hook('UPDATE', 'posts', { id: 1 })
  await hook('INSERT', 'profiles', { id: 1 })

  await ask(operator, 'GET', '/api/operator/now')
  await ask(operator, 'GET', `/api/operator/explain?user=ana&notification=${id}`)
  await ask(operator, 'GET', '/api/operator/people?search=a')
  await ask(operator, 'GET', '/api/operator/people/{user=ana}')
  await ask(operator, 'GET', '/api/operator/alarms')
  const { key } = await ask(operator, 'POST', '/api/operator/keys', { name: 'shop', scopes: ['send'] })
  await ask(operator, 'GET', '/api/operator/keys')
  await ask(operator, 'POST', `/api/operator/keys/{id=${key!.id}}/rotate`, {})
  await ask(operator, 'DELETE', `/api/operator/keys/{id=${key!.id}}`)
  await ask(operator, 'GET', '/api/operator/tokens')
  await ask(operator, 'POST', '/api/operator/tokens/import', { rows: [{ line: 1, user_id: 'cleo', token: 'none' }] })
  await ask(operator, 'GET', '/api/operator/audit')
  await ask(operator, 'GET', '/api/operator/users/{user=ana}/export')
  await ask(operator, 'DELETE', '/api/operator/users/{user=ana}')
  await ask(user, 'DELETE', '/api/users/push-token', { push_token })
  for (const path of ['/', '/healthz', '/readyz', '/console/session']) await ask({}, 'GET', path)
  await ask({}, 'POST', '/console/sign-in', { key: OPERATOR_KEY })
  expect(found).toEqual([])
})

/** A number that is too large is not called none. */
test.each([
  [
    'POST',
    '/api/notifications',
    { to: 'everyone', title: 'x', ttl: 2_419_201 },
    '"ttl": must be at most 2419200, four weeks',
  ],
  ['POST', '/api/operator/tokens/import', { rows: [] }, '"rows": must hold at least one row'],
  ['GET', '/api/operator/tokens?after=-1', undefined, '"after": must not be negative'],
])('%s %s says what is wrong with %o', async (method, path, json, error) => {
  const { status, body } = await call(method, api.url + path, { token: OPERATOR_KEY, ...(json && { json }) })
  expect([status, body.error]).toEqual([400, error])
})
