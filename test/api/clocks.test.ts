/** Times are judged by the database's clock: a machine whose own clock is wrong gives the same answers. */
import { TestClock } from 'pg-boss'
import { describe, expect, test } from 'vitest'
import { call } from '../kit/call.ts'
import { openDatabase } from '../kit/inside.ts'
import { OPERATOR_KEY, openApi } from './world.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
/** What the database says; this process is in another time. */
const START = Date.parse('2026-01-01T09:00:00Z')
const SECRET = 'a-webhook-secret-that-only-tests-know'

describe.each(['PGlite', 'PostgreSQL 18'] as const)('on %s', (kind) => {
  test('what is for later, when a key ends, and whether a row of another database is news', async () => {
    const clock = new TestClock(START)
    const database = await openDatabase(kind, { clock })
    const api = await openApi({ database, webhookSecret: SECRET })
    const send = (afterMs: number, headers: Record<string, string> = {}, more: object = {}) =>
      call('POST', `${api.url}/api/notifications`, {
        token: OPERATOR_KEY,
        headers,
        json: { to: 'everyone', title: 'Later', send_at: new Date(START + afterMs).toISOString(), ...more },
      })
    for (const ms of [0, 5 * MINUTE, 28 * DAY - MINUTE]) expect((await send(ms)).status).toBe(202)
    expect(await send(-5 * MINUTE)).toMatchObject({
      status: 400,
      body: {
        code: 'malformed',
        error: '"send_at": lies in the past',
        hint: expect.stringContaining('2026-01-01T09:00'),
      },
    })
    for (const ms of [-5 * MINUTE, 28 * DAY + MINUTE, 8_000 * 365 * DAY])
      for (const dry_run of [true, false]) expect((await send(ms, {}, { dry_run })).status).toBe(400)

    const again = { 'idempotency-key': 'once' }
    const first = await send(MINUTE, again)
    await clock.setTime(START + 10 * MINUTE)
    expect((await send(MINUTE)).status).toBe(400)
    expect(await send(MINUTE, again)).toMatchObject({ status: 202, body: first.body })

    const key = (afterMs: number) =>
      call('POST', `${api.url}/api/operator/keys`, {
        token: OPERATOR_KEY,
        json: { name: 'shop', scopes: ['send'], expires_at: new Date(START + afterMs).toISOString() },
      })
    expect((await key(5 * MINUTE)).body).toMatchObject({ code: 'malformed', error: '"expires_at": is in the past' })
    expect((await key(15 * MINUTE)).status).toBe(200)

    const hook = async (id: number, madeAt: number) => {
      const record = { id, user_id: 'ana', title: 'Rain', created_at: new Date(madeAt).toISOString() }
      const { body } = await call('POST', `${api.url}/hooks/supabase`, {
        headers: { 'x-webhook-secret': SECRET },
        json: { type: 'INSERT', table: 'posts', record },
      })
      return body.done
    }
    expect([await hook(1, START + 10 * MINUTE), await hook(2, START - MINUTE)]).toEqual(['notified', 'nothing'])
    await api.close()
  })
})
