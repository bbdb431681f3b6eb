/** A page of the fan-out is cut once, however often its job comes. */
import { randomUUIDv7 } from 'node:crypto'
import { expect, test } from 'vitest'
import { CHUNK_TOKENS, cutPage, PAGE_CHUNKS } from '../../src/store/fan-out.ts'
import { insertNotification } from '../../src/store/notifications.ts'
import { crowd } from '../kit/books.ts'
import { openDatabase } from '../kit/inside.ts'

test('a fan-out job that comes twice cuts its page once', async () => {
  const world = await openDatabase('PostgreSQL 18')
  const devices = CHUNK_TOKENS * PAGE_CHUNKS + 2_500
  await crowd(world, devices)
  const id = randomUUIDv7()
  const content = { title: 'Hello' }
  await world.db.transaction((tx) =>
    insertNotification(tx, {
      id,
      content,
      kind: 'notify',
      lane: 'broadcast',
      audience: { everyone: true },
      createdBy: null,
      ttlSeconds: 3_600,
    }),
  )
  const cut = () => world.db.transaction((tx) => cutPage(tx, { notificationId: id, page: 0 }))
  expect([await cut(), await cut()]).toEqual([true, false])
  const chunks = async () =>
    (await world.db.kysely.selectFrom('notifications').select('chunks').executeTakeFirst())?.chunks
  expect(await chunks()).toBe(PAGE_CHUNKS)
  await world.db.transaction((tx) => cutPage(tx, { notificationId: id, page: 1 }))
  expect(await chunks()).toBe(PAGE_CHUNKS + 3)
})
