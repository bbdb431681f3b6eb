/** Other systems' tables: what comes of their rows does not depend on how they are put together. */
import { expect, test } from 'vitest'
import { type ImportRow, importTokens } from '../../src/store/tokens/import.ts'
import { registerPushToken, unregisterPushToken } from '../../src/store/tokens/push-tokens.ts'
import { KINDS, openDatabase } from '../kit/inside.ts'

const years = (year: number) => `${year}-01-01T00:00:00.000Z`
function row(userId: string, name: string, updatedAt: number | null, more: Partial<ImportRow> = {}): ImportRow {
  const times = { createdAt: years(2020), updatedAt: updatedAt === null ? null : years(updatedAt) }
  return { userId, token: `ExponentPushToken[${name}]`, deviceType: 'ios', active: true, ...times, ...more }
}
const rows = [
  row('ana', 'a-written-last', 2024),
  row('ben', 'a-written-last', 2026, { active: false, deviceType: null }),
  row('cat', 'a-written-last', 2025),
  row('ana', 'b-first-of-equals', 2025),
  row('ben', 'b-first-of-equals', 2025),
  row('ana', 'c-made-last', null),
  row('ben', 'c-made-last', null, { createdAt: years(2024) }),
  row('ana', 'd-says-when', null, { createdAt: null }),
  row('ben', 'd-says-when', 2024),
]

test.each(KINDS)('in one call or in many, the same rows leave the same on %s', async (kind) => {
  const { db } = await openDatabase(kind)
  const kept = () =>
    db.kysely
      .selectFrom('push_tokens')
      .select(['token', 'user_id', 'device_type', 'active', 'inactive_reason', 'created_at', 'updated_at'])
      .orderBy('token')
      .execute()
  expect(await importTokens(db, rows)).toBe(4)
  const atOnce = await kept()
  expect(atOnce.map((one) => one.user_id)).toEqual(['ben', 'ana', 'ben', 'ben'])
  await db.kysely.deleteFrom('push_tokens').execute()
  for (const one of rows) await importTokens(db, [one])
  expect(await kept()).toEqual(atOnce)
  const moves = db.kysely.selectFrom('token_events').select(['from_user_id', 'user_id']).where('kind', '=', 'moved')
  expect(await moves.execute()).toEqual(Array.from({ length: 3 }, () => ({ from_user_id: 'ana', user_id: 'ben' })))
})

test.each(KINDS)('what a phone said here since stays on %s', async (kind) => {
  const { db } = await openDatabase(kind)
  const names = ['registered', 'logged-out']
  await importTokens(
    db,
    names.map((name) => row('ana', name, 2024)),
  )
  const [registered, loggedOut] = names.map((name) => ({ userId: 'ana', token: `ExponentPushToken[${name}]` }))
  await registerPushToken(db, { ...registered!, deviceType: 'ios', movesPerDay: null })
  await unregisterPushToken(db, loggedOut!)
  await importTokens(
    db,
    names.map((name) => row('ben', name, 2026)),
  )
  const left = db.kysely.selectFrom('push_tokens').select(['user_id', 'active']).orderBy('token', 'desc')
  expect(await left.execute()).toEqual([
    { user_id: 'ana', active: true },
    { user_id: 'ana', active: false },
  ])
})
