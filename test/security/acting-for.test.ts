/** A backend that calls for a user by `Belfry-User`: as that user and no other, and never without the scope. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findUser } from '../../src/store/people/users.ts'
import { bearer, OPERATOR_KEY, openApi } from '../api/world.ts'
import { ask, type Headers, makeKey, show } from './kit/everybody.ts'

let world: Awaited<ReturnType<typeof openApi>>
let users: string
let send: string
beforeAll(async () => {
  world = await openApi()
  users = (await makeKey(world, ['users'])).secret
  send = (await makeKey(world, ['send'])).secret
})
afterAll(() => world.close())

const said = { title: 'x', text_content: '', content_type: 'x' }
const post = (headers: Headers) => ask(`${world.url}/api/posts/`, 'POST', headers, said)

test('it does what the user could do, and the name follows the header', async () => {
  const made = await post(show(users, { 'belfry-user': 'ana', 'belfry-user-name': 'Ana' }))
  expect(made).toMatchObject({ status: 200, body: { post: { user_id: 'ana' } } })
  expect(await findUser(world.database.db, 'ana')).toEqual({ id: 'ana', name: 'Ana' })
  expect((await post(show(users, { 'belfry-user': 'ana' }))).status).toBe(200)
  expect(await findUser(world.database.db, 'ana')).toEqual({ id: 'ana', name: 'Ana' })
})

test('both headers are percent-encoded UTF-8', async () => {
  const headers = { 'belfry-user': encodeURIComponent('100% Zoë'), 'belfry-user-name': encodeURIComponent(' Zoë 🔔 ') }
  expect((await post(show(users, headers))).body.post.user_id).toBe('100% Zoë')
  expect(await findUser(world.database.db, '100% Zoë')).toEqual({ id: '100% Zoë', name: 'Zoë 🔔' })
  for (const plain of ['auth0|5f7c8ec7c33c6c004bbafe82', 'ana@example.com', '0f8fad5b-d9cb-469f-a165-70867728950e'])
    expect((await post(show(users, { 'belfry-user': plain }))).body.post.user_id).toBe(plain)
})

test('an id that is none is refused, with a hint', async () => {
  const unfit = {
    none: undefined,
    empty: '',
    'too long': 'a'.repeat(129),
    'too long once decoded': encodeURIComponent('ä'.repeat(129)),
    'too long in characters': encodeURIComponent('😀'.repeat(129)),
    NUL: 'a%00',
    'half of a character': '%C3',
    'a surrogate': '%ED%A0%80',
    'a bare per cent': '100%',
    'Latin-1': 'Zo\u00eb',
  }
  for (const [what, id] of Object.entries(unfit)) {
    const answer = await post(show(users, id === undefined ? {} : { 'belfry-user': id }))
    expect([what, answer.status, answer.body.code]).toEqual([what, 400, 'acting_for'])
    expect(answer.body.hint).toContain('percent-encoded')
  }
  for (const letter of ['ä', '😀'])
    expect((await post(show(users, { 'belfry-user': encodeURIComponent(letter.repeat(128)) }))).status).toBe(200)
  expect((await post(show(users, { 'belfry-user': 'a', 'belfry-user-name': 'Zo\u00eb' }))).body.code).toBe('acting_for')
})

test('two of a header are refused: a proxy and we might each believe another', async () => {
  const headers = { authorization: `Bearer ${users}`, 'belfry-user': ['ana', 'eve'] } as unknown as Headers
  expect(await post(headers)).toMatchObject({ status: 400, body: { code: 'acting_for' } })
})

test('nobody else is anybody by it', async () => {
  const named = { 'belfry-user': 'eve' }
  expect((await post(show(send, named))).status).toBe(403)
  expect((await post(show(OPERATOR_KEY, named))).status).toBe(403)
  expect((await post(named)).status).toBe(401)
  const byAna = await post({ authorization: await bearer('ana'), ...named })
  expect(byAna.body.post.user_id).toBe('ana')
})

test('a test push is for everybody with the scope send, and for oneself by name', async () => {
  const testPush = async (id: string, headers: Headers) =>
    (await ask(`${world.url}/test-push-notification/${id}`, 'POST', headers)).body.code
  expect(await testPush('ben', show(send))).toBe('no_push_token')
  expect(await testPush('ben', show(users))).toBe('forbidden')
  expect(await testPush('ben', show(users, { 'belfry-user': 'ben' }))).toBe('no_push_token')
  expect(await testPush('ben', show(users, { 'belfry-user': 'ana' }))).toBe('not_found')
  expect(await testPush('ben', show(send, { 'belfry-user': 'ben' }))).toBe('forbidden')
})
