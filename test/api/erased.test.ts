/** Who was erased begins anew, as somebody who was never here: at once where it was done, within a minute at every other process. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { findUser } from '../../src/store/people/users.ts'
import { call } from '../kit/call.ts'
import { bearer, OPERATOR_KEY, openApi } from './world.ts'

type Process = Awaited<ReturnType<typeof openApi>>
let shared: Process
let here: Process
let elsewhere: Process
beforeAll(async () => {
  shared = await openApi()
  vi.useFakeTimers({ toFake: ['Date'] })
})
afterAll(async () => {
  vi.useRealTimers()
  await shared.close()
})
beforeEach(async () => {
  const { database } = shared
  ;[here, elsewhere] = await Promise.all([openApi({ database }), openApi({ database })])
})
afterEach(() => Promise.all([here.close(), elsewhere.close()]))

const pass = (ms: number) => vi.setSystemTime(Date.now() + ms)
const erase = ({ url }: Process, id: string) =>
  call('DELETE', `${url}/api/operator/users/${id}`, { token: OPERATOR_KEY })
/** @returns the status, or the word for what is wrong. */
async function post({ url }: Process, id: string, name: string | null) {
  const { status, body } = await call('POST', `${url}/api/posts/`, {
    headers: { authorization: await bearer(id, name) },
    json: { title: 'A', text_content: '', content_type: 'note' },
  })
  return status === 200 ? 200 : body.code
}

test.each([
  ['whose token tells a name', 'dan', 'Dan', 60_000],
  ['whose token tells none', 'eve', null, 5_000],
] as const)('a user %s is known for no longer, however often they call', async (_, id, name, ms) => {
  expect(await post(here, id, name)).toBe(200)
  expect((await erase(elsewhere, id)).status).toBe(200)
  expect(await post(here, id, name)).toBe('user_erased')
  pass(ms - 1)
  expect(await post(here, id, name)).toBe('user_erased')
  expect(await findUser(shared.database.db, id)).toBeUndefined()
  pass(1)
  expect(await post(here, id, name)).toBe(200)
  expect(await findUser(shared.database.db, id)).toEqual({ id, name })
})

test('where they were erased they begin anew at once', async () => {
  expect(await post(here, 'fay', 'Fay')).toBe(200)
  await erase(here, 'fay')
  expect(await post(here, 'fay', 'Fay')).toBe(200)
})
