/** How many devices an audience has is counted in one way, whether a job asks or whoever looks before it has. */
import { randomUUIDv7 } from 'node:crypto'
import { expect, test } from 'vitest'
import { progressOf } from '../../src/api/notify/progress.ts'
import type { Audience } from '../../src/domain/notification.ts'
import { estimateAudience } from '../../src/store/ledger/estimate.ts'
import { insertNotification } from '../../src/store/notifications/notifications.ts'
import { subscribe } from '../../src/store/people/subscriptions.ts'
import { findNotification } from '../../src/store/views/notifications.ts'
import { crowd } from '../kit/books.ts'
import { KINDS, openDatabase } from '../kit/inside.ts'

test.each(KINDS)('nobody who registers after the POST is counted, and who is excepted is not, on %s', async (kind) => {
  const database = await openDatabase(kind)
  const { db } = database
  await crowd(database, 10)
  for (const user of ['crowd-1', 'crowd-2', 'crowd-3']) await subscribe(db, 'bells', user)
  const audiences: Audience[] = [
    { everyone: true, except: ['crowd-1'] },
    { topic: 'bells', except: ['crowd-1', 'crowd-4'] },
    { users: ['crowd-1', 'crowd-2', 'nobody'], except: ['crowd-1'] },
  ]
  const ids = audiences.map(() => randomUUIDv7())
  const sendAt = new Date(Date.now() + 3_600_000)
  for (const [index, audience] of audiences.entries()) {
    const lane = 'users' in audience ? 'direct' : 'broadcast'
    const rest = { kind: 'notify', content: { title: 'Later' }, createdBy: null, ttlSeconds: 60, sendAt } as const
    await db.transaction((tx) => insertNotification(tx, { id: ids[index]!, audience, lane, ...rest }))
  }
  await crowd(database, 5, 'late')
  const seen = async () => {
    const rows = await Promise.all(ids.map((id) => findNotification(db, id)))
    return Promise.all(rows.map(async (row) => (await progressOf(db, row!)).estimated))
  }
  expect(await seen()).toEqual([9, 2, 1])
  for (const id of ids) await estimateAudience(db, id)
  expect(await seen()).toEqual([9, 2, 1])
})
