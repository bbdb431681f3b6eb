/** All that is kept about a person, over HTTP: a document that comes as it is read, or breaks off. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Db } from '../../src/store/database/db.ts'
import { call } from '../kit/call.ts'
import { openDatabase } from '../kit/inside.ts'
import { bearer, OPERATOR_KEY, openApi } from './world.ts'

let api: Awaited<ReturnType<typeof openApi>>
/** How many statements are answered until the database is away. */
let answered = Infinity
beforeEach(async () => {
  const database = await openDatabase('PostgreSQL 18')
  const rows: Db['rows'] = async (query) => {
    if (answered-- <= 0) throw Object.assign(new Error('away'), { code: 'ECONNREFUSED' })
    return database.db.rows(query)
  }
  api = await openApi({ database: { ...database, db: { ...database.db, rows } } })
})
afterEach(() => api.close())

const exported = (id: string) => call('GET', `${api.url}/api/operator/users/${id}/export`, { token: OPERATOR_KEY })

test('every list is there, also an empty one, and rows are as they were written', async () => {
  const authorization = await bearer('ana', 'Ana "\u2028" 🔔')
  for (const title of ['One', 'Two "],[{" \n'])
    await call('POST', `${api.url}/api/posts/`, {
      headers: { authorization },
      json: { title, text_content: '', content_type: 'note' },
    })
  const { status, headers, body } = await exported('ana')
  expect([status, headers['content-type'], headers['cache-control']]).toEqual([
    200,
    'application/json; charset=utf-8',
    'no-store',
  ])
  expect(body).toMatchObject({
    success: true,
    exported_at: expect.stringMatching(/^20.*Z$/),
    user: { id: 'ana', name: 'Ana "\u2028" 🔔' },
    posts: [{ title: 'One' }, { title: 'Two "],[{" \n' }],
    audit: [{ action: 'user.export' }],
  })
  const empty = ['push_tokens', 'token_history', 'messages', 'notifications', 'deliveries', 'opened', 'topics', 'mutes']
  for (const list of empty) expect([list, body[list]]).toEqual([list, []])
})

test('of somebody who is no user there may be something all the same', async () => {
  const json = { to: { users: ['stranger'] }, title: 'Hello' }
  await call('POST', `${api.url}/api/notifications`, { token: OPERATOR_KEY, json })
  const { body } = await exported('stranger')
  expect(body).toMatchObject({ user: null, posts: [], notifications: [{ content: { title: 'Hello' } }] })
  expect(await exported('nobody')).toMatchObject({ status: 404, body: { code: 'not_found' } })
})

test('what breaks off half way is not taken for whole', async () => {
  await call('POST', `${api.url}/message/send-message`, {
    headers: { authorization: await bearer('ana') },
    json: { receiver_id: 'ben', message_type: 'text', content: 'Hello' },
  })
  for (let statements = 0; statements < 12; statements++) {
    answered = statements
    const answer = await exported('ana').catch((error: Error) => error)
    answered = Infinity
    expect(answer instanceof Error || answer.status === 503).toBe(true)
  }
})
