/** What was opened counts for those whom it was meant for, whatever they have wished since. */
import { expect, test } from 'vitest'
import { recordOpened, subscribe, unsubscribe } from '../../src/store/people/subscriptions.ts'
import { openRunning } from '../kit/inside.ts'

test.each(['PGlite', 'PostgreSQL 18'] as const)('a notification to a topic, on %s', async (kind) => {
  const world = await openRunning(kind)
  const { db } = world
  for (const user of ['ana', 'ben', 'cleo', 'dan', 'later']) await world.device(user)
  await world.device('ana')
  for (const user of ['ana', 'ben', 'cleo', 'dan']) await subscribe(db, 'bells', user)
  await unsubscribe(db, 'bells', 'cleo')
  const id = await world.notify({ audience: { topic: 'bells', except: ['dan'] } })
  await world.drain()
  await unsubscribe(db, 'bells', 'ana')
  await subscribe(db, 'bells', 'later')
  const opened = await Promise.all(['ana', 'ben', 'cleo', 'dan', 'later'].map((user) => recordOpened(db, id, user)))
  expect(opened).toEqual([true, true, false, false, false])
})
