/** What goes wrong half way: between two statements, or with an acknowledgement that is lost. Nobody is forgotten for it. */
import { randomUUIDv7 } from 'node:crypto'
import { type RawBuilder, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { planNew } from '../../src/delivery/plan/plan.ts'
import { RESULT } from '../../src/domain/answers/result.ts'
import type { ExpoMessage } from '../../src/domain/messages/expo-message.ts'
import type { SendAnswer } from '../../src/ports.ts'
import type { Db } from '../../src/store/database/db.ts'
import {
  beginDeliveries,
  closePlanned,
  type Held,
  repeatAmbiguous,
  splitDelivery,
  takeOver,
} from '../../src/store/ledger/deliveries.ts'
import { findDirectWork, insertPlan } from '../../src/store/ledger/plan.ts'
import { cancelNotification, pauseNotification, resumeNotification } from '../../src/store/notifications/control.ts'
import { notificationState } from '../../src/store/notifications/notifications.ts'
import { ensureUser } from '../../src/store/people/users.ts'
import { parkJob } from '../../src/store/queue/parked.ts'
import { ClaimLost } from '../../src/store/queue/queue.ts'
import { crowd, expectBalanced } from '../kit/books.ts'
import { until } from '../kit/guard.ts'
import { allOk, type Kind, openDatabase, openRunning } from '../kit/inside.ts'
import { insertBroadcast } from '../kit/ledger.ts'

const AWAY = new Error('Connection terminated unexpectedly')

/** A database with these users' phones, and nobody who sends. */
async function quiet(kind: Kind, users: string[]) {
  const database = await openDatabase(kind)
  const before = await openRunning(kind, {}, { database })
  for (const user of users) await before.device(user)
  await before.stop()
  return { database, notify: (wish: Parameters<typeof before.notify>[0]) => before.notify(wish) }
}

const refuseShared = (messages: ExpoMessage[]): SendAnswer =>
  messages.flatMap((message) => message.to).length > 1
    ? { kind: 'refused', status: 400, code: 'VALIDATION_ERROR', message: 'bad' }
    : allOk(messages)

describe.each(['PGlite', 'PostgreSQL 18'] as const)('on %s', (kind) => {
  test('a shared request that is refused goes on in pieces, each begun anew', async () => {
    const { database, notify } = await quiet(kind, ['a', 'b', 'c'])
    const ids: string[] = []
    for (const user of ['a', 'b', 'c']) ids.push(await notify({ audience: { users: [user] } }))
    const world = await openRunning(kind, { send: refuseShared }, { database })
    await world.drain()
    for (const id of ids) expect(await expectBalanced(world, id)).toMatchObject({ accepted: 1, pending: 0 })
  })

  test('one that is cancelled before its neighbours are begun takes none of them with it', async () => {
    const { database, notify } = await quiet(kind, ['a', 'b'])
    const [kept, dropped] = [
      await notify({ audience: { users: ['a'] }, onUnknown: 'drop' }),
      await notify({ audience: { users: ['b'] } }),
    ]
    const work: Parameters<typeof planNew>[1] = []
    for (const id of [kept, dropped]) {
      const [found] = await findDirectWork(database.db, [{ notificationId: id, chunk: 0 }], 1_000)
      work.push({ notification: found!.notification, chunk: 0, recipients: found!.devices! })
    }
    await cancelNotification(database.db, dropped)
    await expect(planNew(database.db, work, true)).rejects.toThrow('stopped meanwhile')
    const world = await openRunning(kind, {}, { database })
    await world.drain()
    expect(await expectBalanced(world, kept)).toMatchObject({ accepted: 1, unknown: 0 })
  })

  test('what was paused, or has passed its time, since it was planned is not begun', async () => {
    const { database, notify } = await quiet(kind, ['a', 'b'])
    const late = await notify({ audience: { users: ['a'] } })
    const paused = await notify({ audience: { users: ['b'] } })
    const found = await findDirectWork(
      database.db,
      [late, paused].map((notificationId) => ({ notificationId, chunk: 0 })),
      1_000,
    )
    const works = found.map((one) => ({ notification: one!.notification, chunk: 0, recipients: one!.devices! }))
    await database.db.kysely
      .updateTable('notifications')
      .set({ expires_at: new Date(0) })
      .where('id', '=', late)
      .execute()
    await pauseNotification(database.db, paused)
    for (const one of works) await expect(planNew(database.db, [one], true)).rejects.toThrow('stopped meanwhile')
    const planned = await planNew(database.db, works)
    expect(planned).toHaveLength(2)
    const deliveries = planned.map((one) => one.delivery)
    expect(await beginDeliveries(database.db, deliveries)).toEqual([])
  })

  test('what was planned at the same time by somebody else is planned once', async () => {
    const { database, notify } = await quiet(kind, ['a'])
    const id = await notify({ audience: { users: ['a'] } })
    const [found] = await findDirectWork(database.db, [{ notificationId: id, chunk: 0 }], 1_000)
    const work = [{ notification: found!.notification, chunk: 0, recipients: found!.devices! }]
    await planNew(database.db, work)
    await expect(planNew(database.db, work, true)).rejects.toThrow(ClaimLost)
    expect(await expectBalanced(database, id)).toMatchObject({ targeted: 1 })
  })

  test('the end of one piece of work closes what is planned of it, and nothing else', async () => {
    const database = await openDatabase(kind)
    const [id, other] = [randomUUIDv7(), randomUUIDv7()]
    const part = (notificationId: string, chunk: number, number: number) => ({
      notificationId,
      chunk,
      part: number,
      project: null,
      tokenIds: [1],
    })
    const plan = [part(id, 1, 0), part(id, 1, 1), part(id, 1, 2), part(id, 2, 0), part(other, 1, 0)]
    const ids = (await insertPlan(database.db, plan)).map((one) => one.id).toSorted((a, b) => a - b)
    await database.db.kysely.updateTable('deliveries').set({ state: 1 }).where('id', '=', ids[1]!).execute()
    await database.db.kysely
      .updateTable('deliveries')
      .set({ state: 2, unknown: 1, results: [RESULT.unknown] })
      .where('id', '=', ids[2]!)
      .execute()
    await closePlanned(database.db, id, 1, 'expired', RESULT.expired)
    const rows = await database.db.kysely.selectFrom('deliveries').selectAll().orderBy('id').execute()
    expect(rows.map(({ state, expired }) => [state, expired])).toEqual([
      [2, 1],
      [1, 0],
      [2, 0],
      [0, 0],
      [0, 0],
    ])
  })

  test('each piece of a delivery that is split has the answers and deaths that were counted before', async () => {
    const { db } = await openDatabase(kind)
    const notificationId = await insertBroadcast(db)
    const [planned] = await insertPlan(db, [{ notificationId, chunk: 1, part: 0, project: null, tokenIds: [1, 2] }])
    const begin = async (one: Held | undefined) => (await beginDeliveries(db, [one!]))[0]!
    const first = await begin(planned)
    await repeatAmbiguous(db, [first])
    const [taken] = await takeOver(db, [await begin(first)])
    const pieces = [1, 2].map((id) => ({ project: null, tokenIds: [id] }))
    const split = await splitDelivery(db, await begin(taken), pieces)
    expect(split.map(({ token_ids, ambiguous, deaths }) => [token_ids, ambiguous, deaths])).toEqual([
      [[1], 1, 1],
      [[2], 1, 1],
    ])
  })

  test('a split whose acknowledgement is lost is no end', async () => {
    const database = await openDatabase(kind)
    let armed = false
    const transaction: Db['transaction'] = async (work) => {
      const done = await database.db.transaction(work)
      if (armed) {
        armed = false
        throw AWAY
      }
      return done
    }
    const send = (messages: ExpoMessage[], call: number) => {
      armed = call === 1
      return refuseShared(messages)
    }
    const world = await openRunning(kind, { send }, { database: { ...database, db: { ...database.db, transaction } } })
    await crowd(world, 2)
    const id = await world.notify({ audience: { everyone: true } })
    await world.drain()
    expect(await expectBalanced(world, id)).toMatchObject({ accepted: 2, pending: 0 })
  })

  test('a database that goes away before the request has left makes nobody unknown', async () => {
    const database = await openDatabase(kind)
    let armed = true
    const rows = async <T>(query: RawBuilder<T>): Promise<T[]> => {
      if (armed && query.compile(database.db.kysely).sql.includes('synchronous_commit')) {
        armed = false
        throw AWAY
      }
      return database.db.rows(query)
    }
    const options = { database: { ...database, db: { ...database.db, rows } }, rateLimit: 600 }
    const world = await openRunning(kind, {}, options)
    await world.device('a')
    const id = await world.notify({ audience: { users: ['a'] }, onUnknown: 'drop' })
    await world.drain()
    expect(await expectBalanced(world, id)).toMatchObject({ accepted: 1, unknown: 0 })
    expect(await notificationState(world.db, id)).toMatchObject({ state: 'finished' })
  })
})

/** On PGlite nobody else can be in between. */
test('work that is resumed while it is being parked goes on', async () => {
  const { database, notify } = await quiet('PostgreSQL 18', ['a'])
  const id = await notify({ audience: { users: ['a'] } })
  await pauseNotification(database.db, id)
  let first = true
  const { queue } = database
  const complete: typeof queue.complete = async (tx, jobs) => {
    await queue.complete(tx, jobs)
    if (first) await resumeNotification(database.db, id)
    first = false
  }
  const world = await openRunning('PostgreSQL 18', {}, { database: { ...database, queue: { ...queue, complete } } })
  await until('its push', async () => world.requests.length === 1)
  await world.drain()
  expect(await expectBalanced(world, id)).toMatchObject({ accepted: 1 })
})

test('what is resumed while its work is being parked waits for that, and takes it along', async () => {
  const { database, notify } = await quiet('PostgreSQL 18', ['a'])
  const id = await notify({ audience: { users: ['a'] } })
  await pauseNotification(database.db, id)
  const data = { notificationId: id, tries: 0 }
  const job = { id, queue: 'send-direct', data, retryCount: 0, signal: new AbortController().signal } as const
  const queue = { ...database.queue, complete: async () => undefined }
  let resumed = false
  const resuming = await database.db.transaction(async (tx) => {
    await parkJob(tx, queue, job, data)
    const resume = resumeNotification(database.db, id).then(() => (resumed = true))
    await until('it to wait, or not to', async () => {
      const { rows } = await sql`select from pg_locks where not granted`.execute(tx.kysely)
      return resumed || rows.length > 0
    })
    return { resume }
  })
  await resuming.resume
  await pauseNotification(database.db, await notify({ audience: { users: ['a'] } }))
  await expect(database.db.transaction((tx) => parkJob(tx, queue, job, data))).rejects.toThrow(ClaimLost)
  expect(await database.db.kysely.selectFrom('parked').select('id').execute()).toEqual([])
})

test('who has lost one of its jobs completes none of them, and writes nothing', async () => {
  const { db, queue } = await openDatabase('PostgreSQL 18')
  await db.enqueue('estimate', [{ notificationId: 'a' }, { notificationId: 'b' }])
  const outcome = Promise.withResolvers<unknown>()
  let taken = 0
  await queue.work('estimate', { workers: 1, batchSize: () => 2 }, async (jobs) => {
    const isFirst = taken === 0
    taken += jobs.length
    if (isFirst) await queue.giveBack(jobs.slice(1))
    const writing = db.transaction(async (tx) => {
      if (isFirst) await ensureUser(tx, { id: 'ben', name: null })
      await queue.complete(tx, jobs)
    })
    writing.then(outcome.resolve, outcome.resolve)
    await writing
  })
  expect(await outcome.promise).toBeInstanceOf(ClaimLost)
  await until('both to be taken again', () => taken === 4)
  await queue.stopWorking()
  expect(await db.kysely.selectFrom('users').select('id').execute()).toEqual([])
})

test('a claim that is lost is no bug: nobody is told of a failure, and nothing waits for it', async () => {
  const { db, queue, facts } = await openDatabase('PostgreSQL 18')
  await db.enqueue('estimate', [{ notificationId: 'a' }])
  let taken = 0
  await queue.work('estimate', { workers: 1, batchSize: () => 1 }, async (jobs) => {
    taken += 1
    if (taken === 1) throw new ClaimLost('somebody else has it')
    await db.transaction((tx) => queue.complete(tx, jobs))
  })
  await until('it to be taken again', () => taken === 2)
  await queue.stopWorking()
  expect(facts.map((one) => one.name)).not.toContain('job.failed')
})
