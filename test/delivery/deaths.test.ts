/** What a death leaves behind is taken up again; what the dead say later is kept, and overwrites nothing. */
import { describe, expect, test } from 'vitest'
import { RESULT } from '../../src/domain/result.ts'
import {
  beginDeliveries,
  releaseDeliveries,
  repeatAmbiguous,
  settleDeliveries,
  takeOver,
} from '../../src/store/deliveries.ts'
import { totalsOf } from '../../src/store/ledger.ts'
import { planNew } from '../../src/delivery/plan.ts'
import { findDirectWork } from '../../src/store/plan.ts'
import { expectBalanced } from '../kit/books.ts'
import { until } from '../kit/guard.ts'
import { allOk, openDatabase, openRunning, type Opened } from '../kit/inside.ts'

/** As far as a process gets that dies right after saving its intent. */
async function beginAndDie(world: Opened, id: string) {
  const [work] = await findDirectWork(world.db, [{ notificationId: id, chunk: 0 }], 1_000)
  const [parcel] = await planNew(world.db, [{ ...work!, chunk: 0, recipients: work!.devices! }])
  const [held] = await beginDeliveries(world.db, [parcel!.delivery.id])
  return { parcel: parcel!, held: held! }
}

async function worldBeforeWork(kind: 'PGlite' | 'PostgreSQL 18') {
  const database = await openDatabase(kind)
  const before = await openRunning(kind, {}, { database })
  await before.device('ben')
  await before.stop()
  const id = await before.notify({ audience: { users: ['ben'] } })
  return { database, id }
}

describe.each(['PGlite', 'PostgreSQL 18'] as const)('on %s', (kind) => {
  test('an intent without an answer is repeated once, and counted as a death, not as an answer', async () => {
    const { database, id } = await worldBeforeWork(kind)
    await beginAndDie(database, id)
    const world = await openRunning(kind, {}, { database })
    await world.drain()
    expect(world.requests).toHaveLength(1)
    const [row] = await world.db.kysely.selectFrom('deliveries').selectAll().execute()
    expect(row).toMatchObject({ deaths: 1, ambiguous: 0, accepted: 1 })
  })

  test('after twenty deaths it is unknown', async () => {
    const { database, id } = await worldBeforeWork(kind)
    const { held } = await beginAndDie(database, id)
    await database.db.kysely.updateTable('deliveries').set({ deaths: 20 }).where('id', '=', held.id).execute()
    const world = await openRunning(kind, {}, { database })
    await world.drain()
    expect(world.requests).toHaveLength(0)
    expect(await expectBalanced(world, id)).toMatchObject({ unknown: 1 })
  })

  test('a late answer is appended for its receipt, overwrites nothing, and is not in the books', async () => {
    const { database, id } = await worldBeforeWork(kind)
    const { held } = await beginAndDie(database, id)
    const world = await openRunning(kind, {}, { database })
    await world.drain()
    const before = await world.db.kysely.selectFrom('deliveries').selectAll().execute()
    await settleDeliveries(world.db, [{ ...held, results: [RESULT.accepted], ticketIds: ['late ticket'] }])
    const after = await world.db.kysely.selectFrom('deliveries').selectAll().orderBy('id').execute()
    expect(after[0]).toEqual(before[0])
    expect(after[1]).toMatchObject({ late: true, ticket_ids: ['late ticket'], accepted: 1 })
    expect(await totalsOf(world.db, id)).toMatchObject({ targeted: 1, accepted: 1 })
  })

  test('an answer that is saved twice, because the first time was not acknowledged, is there once', async () => {
    const { database, id } = await worldBeforeWork(kind)
    const { held } = await beginAndDie(database, id)
    const answer = { ...held, results: [RESULT.accepted], ticketIds: ['ticket'] }
    await settleDeliveries(database.db, [answer])
    await settleDeliveries(database.db, [answer])
    expect(await database.db.kysely.selectFrom('deliveries').select('id').execute()).toHaveLength(1)
    await takeOver(database.db, [held])
    expect(await totalsOf(database.db, id)).toMatchObject({ accepted: 1 })
  })

  test('an attempt that was taken over cannot begin, settle or release', async () => {
    const { database, id } = await worldBeforeWork(kind)
    const { held } = await beginAndDie(database, id)
    expect(await beginDeliveries(database.db, [held.id])).toEqual([])
    await takeOver(database.db, [held])
    const [second] = await beginDeliveries(database.db, [held.id])
    expect(second?.attempt).toBeGreaterThan(held.attempt)
    await settleDeliveries(database.db, [{ ...held, results: [RESULT.unknown], ticketIds: null }])
    for (const putBack of [releaseDeliveries, repeatAmbiguous, takeOver]) await putBack(database.db, [held])
    const row = () => database.db.kysely.selectFrom('deliveries').selectAll().execute()
    expect(await row()).toMatchObject([{ state: 1, attempt: second?.attempt, unknown: 0, ambiguous: 0, deaths: 1 }])
  })

  test('what is settled stays as it is, whoever comes back to it', async () => {
    const { database, id } = await worldBeforeWork(kind)
    const { held } = await beginAndDie(database, id)
    await settleDeliveries(database.db, [{ ...held, results: [RESULT.accepted], ticketIds: ['t'] }])
    for (const putBack of [releaseDeliveries, repeatAmbiguous, takeOver]) await putBack(database.db, [held])
    await settleDeliveries(database.db, [{ ...held, results: [RESULT.unknown], ticketIds: null }])
    expect(await beginDeliveries(database.db, [held.id])).toEqual([])
    const rows = await database.db.kysely.selectFrom('deliveries').selectAll().execute()
    expect(rows).toMatchObject([{ state: 2, accepted: 1, unknown: 0, ambiguous: 0, deaths: 0 }])
  })

  test('a stop lets the request under way finish, saves its answer, and leaves the rest to the next start', async () => {
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
    const first = await openRunning(
      kind,
      { send: async (messages) => (await answered, allOk(messages)) },
      { maxConcurrentRequests: 1 },
    )
    for (let i = 0; i < 250; i++) await first.device(`user ${i}`)
    const id = await first.notify({ audience: { everyone: true } })
    await until('the first request', () => first.requests.length === 1)
    const stopped = first.stop(10_000)
    answer()
    await stopped
    expect(first.requests).toHaveLength(1)
    expect(await totalsOf(first.db, id)).toMatchObject({ targeted: 250, accepted: 100, pending: 150 })
    const second = await openRunning(kind, {}, { database: first })
    await second.drain()
    const tokens = [...first.sent, ...second.sent].map((one) => one.token)
    expect(tokens).toHaveLength(250)
    expect(new Set(tokens).size).toBe(250)
  })
})
