/** Promise 5 and the contract's push-token route, at the store: who owns which device, and what is on record of it. */
import { describe, expect, test } from 'vitest'
import type { Db } from '../../src/store/database/db.ts'
import { ensureUser, findUser } from '../../src/store/people/users.ts'
import {
  listPushTokens,
  type Registration,
  registerPushToken,
  unregisterPushToken,
} from '../../src/store/tokens/push-tokens.ts'
import { KINDS, openDatabase } from '../kit/inside.ts'

const A = 'ExponentPushToken[a]'
const B = 'ExponentPushToken[b]'

async function people(db: Db): Promise<(r: Partial<Registration>) => Promise<string>> {
  await ensureUser(db, { id: 'ana', name: 'Ana' })
  await ensureUser(db, { id: 'ben', name: 'Ben' })
  return (r) => registerPushToken(db, { userId: 'ana', token: A, deviceType: 'ios', movesPerDay: 5, ...r })
}

const events = (db: Db) =>
  db.kysely.selectFrom('token_events').select(['kind', 'user_id', 'from_user_id']).orderBy('id').execute()
const tokensOf = async (db: Db, user: string) => (await listPushTokens(db, user)).map((row) => row.token)

describe.each(KINDS)('on %s', (kind) => {
  test('a user keeps the name that is known when a token names none', async () => {
    const { db } = await openDatabase(kind)
    await ensureUser(db, { id: 'ana', name: 'Ana' })
    await ensureUser(db, { id: 'ana', name: null })
    expect(await findUser(db, 'ana')).toEqual({ id: 'ana', name: 'Ana' })
  })

  test('registering again writes the time and nothing else', async () => {
    const { db } = await openDatabase(kind)
    const register = await people(db)
    expect(await register({})).toBe('new')
    const [before] = await listPushTokens(db, 'ana')
    expect(await register({})).toBe('unchanged')
    const [after] = await listPushTokens(db, 'ana')
    expect({ ...after, updated_at: null }).toEqual({ ...before, updated_at: null })
    expect(after!.updated_at.getTime()).toBeGreaterThanOrEqual(before!.updated_at.getTime())
    expect(typeof after!.id).toBe('number')
    expect(await events(db)).toHaveLength(1)
  })

  test('a phone that changes hands moves, and the previous owner loses it', async () => {
    const { db } = await openDatabase(kind)
    const register = await people(db)
    await register({})
    expect(await register({ userId: 'ben' })).toBe('moved')
    expect([await tokensOf(db, 'ana'), await tokensOf(db, 'ben')]).toEqual([[], [A]])
    expect((await events(db)).at(-1)).toEqual({ kind: 'moved', user_id: 'ben', from_user_id: 'ana' })
  })

  test('a token changes hands five times a day, not six', async () => {
    const { db } = await openDatabase(kind)
    const register = await people(db)
    await register({})
    for (let move = 0; move < 5; move++) expect(await register({ userId: move % 2 ? 'ana' : 'ben' })).toBe('moved')
    expect(await register({ userId: 'ana' })).toBe('moved_too_often')
    expect(await tokensOf(db, 'ben')).toEqual([A])
  })

  test('an installation that gets a new token keeps its row; the old token is gone', async () => {
    const { db } = await openDatabase(kind)
    const register = await people(db)
    await register({ installationId: 'phone' })
    expect(await register({ installationId: 'phone', token: B })).toBe('rotated')
    expect(await tokensOf(db, 'ana')).toEqual([B])
  })

  test('an installation that tells several new tokens at once has one of them', async () => {
    const { db } = await openDatabase(kind)
    const register = await people(db)
    for (let round = 0; round < 5; round++) {
      const installationId = `phone ${round}`
      const tokens = [A, B].map((token) => token.replace(']', `${round}]`))
      await Promise.all(tokens.map((token) => register({ installationId, token })))
      expect((await tokensOf(db, 'ana')).filter((token) => tokens.includes(token))).toHaveLength(1)
    }
  })

  test("somebody else's installation id takes nothing from its owner", async () => {
    const { db } = await openDatabase(kind)
    const register = await people(db)
    await register({ installationId: 'phone' })
    expect(await register({ installationId: 'phone', token: B, userId: 'ben' })).toBe('new')
    expect([await tokensOf(db, 'ana'), await tokensOf(db, 'ben')]).toEqual([[A], [B]])
  })

  test('log-out takes the device off; logging out again is fine; logging in revives it', async () => {
    const { db } = await openDatabase(kind)
    const register = await people(db)
    await register({ installationId: 'phone' })
    expect(await unregisterPushToken(db, { userId: 'ben', token: A })).toBe(0)
    expect(await unregisterPushToken(db, { userId: 'ana', installationId: 'phone' })).toBe(1)
    expect(await unregisterPushToken(db, { userId: 'ana', token: A })).toBe(0)
    expect(await tokensOf(db, 'ana')).toEqual([])
    expect(await register({})).toBe('revived')
    expect(await tokensOf(db, 'ana')).toEqual([A])
  })

  test('fifty phones registering one token at once leave exactly one owner', async () => {
    const { db } = await openDatabase(kind)
    const register = await people(db)
    const owners = Array.from({ length: 50 }, (_, i) => (i % 2 ? 'ana' : 'ben'))
    await Promise.all(owners.map((userId) => register({ userId, movesPerDay: null })))
    expect([...(await tokensOf(db, 'ana')), ...(await tokensOf(db, 'ben'))]).toEqual([A])
  })
})
