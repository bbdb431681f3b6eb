/** A page of the fan-out is cut once, however often its job comes; and a broadcast ends with its last chunk, not before. */
import { randomUUIDv7 } from 'node:crypto'
import { sql } from 'kysely'
import { TestClock } from 'pg-boss'
import { expect, test } from 'vitest'
import type { ExpoMessage } from '../../src/domain/messages/expo-message.ts'
import type { SendAnswer } from '../../src/ports.ts'
import { CHUNK_TOKENS, cutPage, PAGE_CHUNKS } from '../../src/store/ledger/fan-out.ts'
import { cancelNotification, pauseNotification, resumeNotification } from '../../src/store/notifications/control.ts'
import { finishChunks, finishNotifications, insertNotification } from '../../src/store/notifications/notifications.ts'
import { crowd, expectBalanced } from '../kit/books.ts'
import { until } from '../kit/guard.ts'
import { allOk, type Opened, openDatabase, openRunning } from '../kit/inside.ts'

/** A broadcast that nobody works on. */
async function broadcast(world: Opened) {
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
  return {
    id,
    cut: (page: number, endInHalves = false) =>
      world.db.transaction((tx) => cutPage(tx, { notificationId: id, page }, { endInHalves })),
    done: (chunks: number) => finishChunks(world.db, Array<string>(chunks).fill(id)),
    row: async () =>
      world.db.kysely.selectFrom('notifications').selectAll().where('id', '=', id).executeTakeFirstOrThrow(),
  }
}

test('a fan-out job that comes twice cuts its page once, and who registered later is not in any', async () => {
  const world = await openDatabase('PostgreSQL 18')
  await crowd(world, CHUNK_TOKENS * PAGE_CHUNKS + 2_500)
  const { cut, row } = await broadcast(world)
  await crowd(world, 2_000, 'late')
  expect((await Promise.all([cut(0), cut(0)])).toSorted()).toEqual([false, true])
  expect(await cut(0)).toBe(false)
  expect(await row()).toMatchObject({ chunks: PAGE_CHUNKS })
  await cut(1)
  expect(await row()).toMatchObject({ chunks: PAGE_CHUNKS + 3 })
})

test('everybody is in one chunk, and where workers race the last chunks of an audience are halves', async () => {
  const world = await openDatabase('PostgreSQL 18')
  await crowd(world, CHUNK_TOKENS * PAGE_CHUNKS + 6_400)
  const { cut } = await broadcast(world)
  await cut(0, true)
  await cut(1, true)
  const sizes = await sql<{ of: number }>`
    select (select count(*)::int from belfry.push_tokens
      where id between (data ->> 'from')::bigint and (data ->> 'to')::bigint) as of
    from belfry_queue.job where name = 'send-broadcast' order by (data ->> 'from')::bigint`.execute(world.db.kysely)
  const halves = [...Array<number>(12).fill(CHUNK_TOKENS / 2), 400]
  expect(sizes.rows.map((row) => row.of)).toEqual([...Array<number>(PAGE_CHUNKS).fill(CHUNK_TOKENS), ...halves])
})

test.for([
  [0, 3],
  [600, 2],
])('at %i a second an audience of a chunk and a half is %i chunks', async ([rateLimit, chunks]) => {
  const world = await openRunning('PostgreSQL 18', {}, { rateLimit })
  await crowd(world, CHUNK_TOKENS * 1.5)
  const id = await world.notify({ audience: { everyone: true } })
  const row = async () =>
    world.db.kysely.selectFrom('notifications').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
  await until('its chunks', async () => (await row()).fan_out_done)
  expect(await row()).toMatchObject({ chunks })
})

test('a broadcast ends with its last chunk and its last page, whichever is later, and is told once', async () => {
  const world = await openDatabase('PostgreSQL 18')
  await crowd(world, CHUNK_TOKENS * PAGE_CHUNKS)
  const { id, cut, done, row } = await broadcast(world)
  await cut(0)
  expect(await done(PAGE_CHUNKS)).toEqual([])
  expect(await row()).toMatchObject({ state: 'sending', finished_at: null })
  await pauseNotification(world.db, id)
  expect(await resumeNotification(world.db, id)).toBe('sending')
  await cut(1)
  expect(await row()).toMatchObject({ state: 'finished', finished_at: expect.anything() })

  const other = await broadcast(world)
  await other.cut(0)
  await other.done(PAGE_CHUNKS - 1)
  await other.cut(1)
  expect(await other.row()).toMatchObject({ state: 'sending', finished_at: null })
  expect(await other.done(1)).toMatchObject([{ state: 'finished' }])

  const stopped = await broadcast(world)
  await stopped.cut(0)
  await finishNotifications(world.db, [{ id: stopped.id, skipReason: 'disabled' }])
  expect(await stopped.done(PAGE_CHUNKS)).toEqual([])
})

test('a broadcast that is cut to its end goes on until its last chunk, also when it is resumed', async () => {
  const world = await openDatabase('PostgreSQL 18')
  await crowd(world, 2 * CHUNK_TOKENS + 1)
  const { id, cut, done, row } = await broadcast(world)
  await cut(0)
  expect(await done(1)).toEqual([])
  expect(await row()).toMatchObject({ state: 'sending', fan_out_done: true, finished_at: null })
  await pauseNotification(world.db, id)
  expect(await resumeNotification(world.db, id)).toBe('sending')
  expect(await done(2)).toMatchObject([{ state: 'finished' }])
})

test('chunks that end after a pause or a cancel change no state', async () => {
  const world = await openDatabase('PostgreSQL 18')
  await crowd(world, 10)
  const [paused, cancelled] = [await broadcast(world), await broadcast(world)]
  for (const one of [paused, cancelled]) await one.cut(0)
  await pauseNotification(world.db, paused.id)
  await cancelNotification(world.db, cancelled.id)
  for (const one of [paused, cancelled]) expect(await one.done(1)).toEqual([])
  expect([(await paused.row()).state, (await cancelled.row()).state]).toEqual(['paused', 'cancelled'])
  expect(await resumeNotification(world.db, paused.id)).toBe('finished')
})

test('nothing is cut of what is paused or cancelled, nor of what another job is for', async () => {
  const world = await openDatabase('PostgreSQL 18')
  await crowd(world, 10)
  const [paused, cancelled, other] = [await broadcast(world), await broadcast(world), await broadcast(world)]
  await pauseNotification(world.db, paused.id)
  await cancelNotification(world.db, cancelled.id)
  await expect(paused.cut(0)).rejects.toThrow('paused meanwhile')
  expect(await cancelled.cut(0)).toBe(false)
  await resumeNotification(world.db, paused.id)
  expect(await paused.cut(0)).toBe(true)
  expect(await other.row()).toMatchObject({ state: 'queued', page: 0, chunks: 0 })
})

test('a broadcast that is paused in the moment in which its page is cut goes on when it is resumed', async () => {
  const database = await openDatabase('PostgreSQL 18')
  const { queue, db } = database
  await crowd(database, 1)
  const { id } = await broadcast(database)
  let isPaused = false
  const complete: typeof queue.complete = async (tx, jobs) => {
    await queue.complete(tx, jobs)
    if (!isPaused) await pauseNotification(db, id)
    isPaused = true
  }
  const world = await openRunning('PostgreSQL 18', {}, { database: { ...database, queue: { ...queue, complete } } })
  await until(
    'its work to be parked',
    async () => (await db.kysely.selectFrom('parked').selectAll().execute()).length > 0,
  )
  await resumeNotification(db, id)
  await world.drain()
  expect(await expectBalanced(world, id)).toMatchObject({ accepted: 1 })
})

test('while nothing may be sent, no broadcast is cut', async () => {
  const send = () => ({ kind: 'refused', status: 403, code: 'UNAUTHORIZED', message: 'no' }) as const
  const world = await openRunning('PostgreSQL 18', { send })
  await world.device('ben')
  await world.notify({ audience: { users: ['ben'] } })
  await until('the pause', () => world.facts.some((one) => one.name === 'breaker.opened'))
  const id = await world.notify({ audience: { everyone: true } })
  await until('its job to be taken', async () => {
    const taken = sql`select from belfry_queue.job where name = 'fan-out' and state = 'completed'`
    return (await taken.execute(world.db.kysely)).rows.length > 0
  })
  const row = await world.db.kysely.selectFrom('notifications').selectAll().where('id', '=', id).executeTakeFirst()
  expect(row).toMatchObject({ state: 'queued', page: 0, chunks: 0 })
})

test('while a project is held, the next page is not asked for for ten seconds', async () => {
  const send = () => ({ kind: 'refused', status: 403, code: 'UNAUTHORIZED', message: 'no' }) as const
  const world = await openRunning('PostgreSQL 18', { send })
  await crowd(world, CHUNK_TOKENS * PAGE_CHUNKS + 1)
  await sql`update belfry.push_tokens set project = '@a/app'`.execute(world.db.kysely)
  await world.notify({ audience: { everyone: true } })
  const [next] = await until('the job of the next page', async () => {
    const rows = await world.db.rows<{ waitMs: number }>(sql`
      select (extract(epoch from start_after - created_on) * 1000)::float8 as "waitMs"
      from belfry_queue.job where name = 'fan-out' and (data ->> 'page')::int = 1`)
    return rows.length > 0 && rows
  })
  expect(next?.waitMs).toBeCloseTo(10_000, -3)
})

test('the more of a broadcast waits for its project, the longer the next page waits, and it is cut to its end all the same', async () => {
  const start = Date.parse('2026-01-01T09:00:00Z')
  const clock = new TestClock(start)
  let isAway = true
  const send = (messages: ExpoMessage[]): SendAnswer =>
    isAway ? { kind: 'refused', status: 403, code: 'UNAUTHORIZED', message: 'no' } : allOk(messages)
  const world = await openRunning('PostgreSQL 18', { send }, { clock })
  const pages = 3
  await crowd(world, CHUNK_TOKENS * PAGE_CHUNKS * pages)
  await sql`update belfry.push_tokens set project = '@a/app'`.execute(world.db.kysely)
  const id = await world.notify({ audience: { everyone: true } })
  const row = async () =>
    world.db.kysely.selectFrom('notifications').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
  const goTo = (seconds: number, done: () => Promise<boolean>) =>
    until(`what is done after ${seconds} s`, async () => {
      if (clock.now() < start + seconds * 1_000) await clock.tick(500)
      return done()
    })
  await goTo(2, async () => (await row()).page === 1)
  // Ten seconds for the one page, then twenty for two; and what is asked for meanwhile is put off.
  await goTo(28, async () => clock.now() >= start + 28_000)
  expect((await row()).page).toBeLessThanOrEqual(2)
  await goTo(600, async () => (await row()).page >= 3)
  isAway = false
  await goTo(3_600, async () => (await row()).state === 'finished')
  expect(await expectBalanced(world, id)).toMatchObject({ accepted: CHUNK_TOKENS * PAGE_CHUNKS * pages })
})

test('who waits after a failed request waits no longer because another project of the chunk is held', async () => {
  const start = Date.parse('2026-01-01T09:00:00Z')
  const clock = new TestClock(start)
  let hasFailed = false
  const send = (messages: ExpoMessage[]): SendAnswer => {
    if (messages.some(({ to }) => to.includes('ExponentPushToken[held]')))
      return { kind: 'later', reason: 'too many', status: 429, rateLimited: true, afterMs: 3_600_000 }
    if (hasFailed) return allOk(messages)
    hasFailed = true
    return { kind: 'later', reason: 'away', rateLimited: false, afterMs: 5_000 }
  }
  const world = await openRunning('PostgreSQL 18', { send }, { clock })
  await world.device('held', { token: 'ExponentPushToken[held]', project: '@a/app' })
  const other = await world.device('other', { project: '@b/app' })
  await world.notify({ audience: { everyone: true } })
  await until('the repeat', async () => {
    if (clock.now() < start + 60_000) await clock.tick(500)
    return world.sent.filter(({ token }) => token === other).length === 2
  })
})
