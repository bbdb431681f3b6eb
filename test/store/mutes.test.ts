/** What a user mutes is what they said last, also when they say two things at once. */
import { expect, test } from 'vitest'
import type { NotificationKind } from '../../src/domain/notification.ts'
import { mutesOf, setMutes } from '../../src/store/people/subscriptions.ts'
import { ensureUser } from '../../src/store/people/users.ts'
import { openDatabase } from '../kit/inside.ts'

const ROUNDS = 50

test.each(['PGlite', 'PostgreSQL 18'] as const)('never a mixture of both, on %s', async (kind) => {
  const { db } = await openDatabase(kind)
  await ensureUser(db, { id: 'ana', name: null })
  const said: NotificationKind[][] = [['post'], ['message']]
  const heard = new Set<string>()
  for (let round = 0; round < ROUNDS; round++) {
    await setMutes(db, 'ana', [])
    await Promise.all(said.map((kinds) => setMutes(db, 'ana', kinds)))
    heard.add((await mutesOf(db, 'ana')).join())
  }
  expect(['post', 'message'].filter((one) => heard.delete(one)).length).toBeGreaterThan(0)
  expect([...heard]).toEqual([])
})
