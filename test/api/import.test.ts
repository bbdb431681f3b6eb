/** Rows of other systems' tables: one that cannot be used is told, and keeps none of the others out. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { call } from '../kit/call.ts'
import { OPERATOR_KEY, openApi } from './world.ts'

let api: Awaited<ReturnType<typeof openApi>>
beforeAll(async () => {
  api = await openApi()
})
afterAll(() => api.close())

test('a time that no database can hold', async () => {
  const row = (line: number, updated_at: string) => {
    return { line, user_id: 'ana', token: `ExponentPushToken[${line}]`, updated_at }
  }
  // "For ever", west of Greenwich.
  const rows = [row(1, '2026-01-31 09:00:00'), row(2, '9999-12-31 23:59:59-05'), row(3, '9999-12-31 23:59:59')]
  const answer = await call('POST', `${api.url}/api/operator/tokens/import`, { token: OPERATOR_KEY, json: { rows } })
  expect([answer.status, answer.body]).toMatchObject([
    200,
    { imported: 2, known: 0, bad: [{ line: 2, error: expect.stringContaining('a time cannot be read') }] },
  ])
})

test('what is there is walked through in pages, and their `next` is an id as others are', async () => {
  const path = `${api.url}/api/operator/tokens?limit=1`
  const first = await call('GET', path, { token: OPERATOR_KEY })
  expect(first.body).toMatchObject({ tokens: [{ user_id: 'ana' }], next: expect.any(String) })
  const second = await call('GET', `${path}&after=${first.body.next as string}`, { token: OPERATOR_KEY })
  expect(second.body).toMatchObject({ tokens: [{ id: second.body.next }] })
  const last = await call('GET', `${path}&after=${second.body.next as string}`, { token: OPERATOR_KEY })
  expect(last.body).toMatchObject({ tokens: [], next: null })
})
