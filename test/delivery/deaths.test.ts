/** What a death leaves behind is taken up again; what the dead say later is kept, and overwrites nothing. */
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { planNew, resumePlan } from '../../src/delivery/plan/plan.ts'
import { enqueueReceipts } from '../../src/delivery/receipts.ts'
import { openBooks, writeRefused } from '../../src/delivery/settle/settle.ts'
import { openTally } from '../../src/delivery/settle/tally.ts'
import { RESULT } from '../../src/domain/answers/result.ts'
import type { Audience } from '../../src/domain/notification.ts'
import { readChunk } from '../../src/store/ledger/chunk.ts'
import {
  beginDeliveries,
  releaseDeliveries,
  repeatAmbiguous,
  settleDeliveries,
  splitDelivery,
  takeOver,
} from '../../src/store/ledger/deliveries.ts'
import { totalsOf } from '../../src/store/ledger/ledger.ts'
import { findDirectWork, findWork } from '../../src/store/ledger/plan.ts'
import { findAwaiting, settleReceipts } from '../../src/store/ledger/receipts.ts'
import { subscribe } from '../../src/store/people/subscriptions.ts'
import { ensureUser } from '../../src/store/people/users.ts'
import { ClaimLost } from '../../src/store/queue/queue.ts'
import { listPushTokens, registerPushToken, unregisterPushToken } from '../../src/store/tokens/push-tokens.ts'
import { expectBalanced } from '../kit/books.ts'
import { until } from '../kit/guard.ts'
import { allOk, type Opened, openDatabase, openRunning, systemClock } from '../kit/inside.ts'

/** As far as a process gets that dies right after saving its intent. */
async function beginAndDie(world: Opened, id: string) {
  const [work] = await findDirectWork(world.db, [{ notificationId: id, chunk: 0 }], 1_000)
  const [parcel] = await planNew(world.db, [{ ...work!, chunk: 0, recipients: work!.devices! }])
  const [held] = await beginDeliveries(world.db, [parcel!.delivery])
  return { parcel: parcel!, held: held! }
}

/** As far as a process gets that dies before it has begun the first chunk of a broadcast. */
async function planChunk({ db }: Opened, id: string): Promise<void> {
  const recipients = await readChunk(db, { from: 1, to: 1_000, except: [] })
  const chunk = Math.min(...recipients.map((one) => one.id))
  const [work] = await findWork(db, [{ notificationId: id, chunk }])
  await planNew(db, [{ ...work!, chunk, recipients }])
}

async function worldBeforeWork(
  kind: 'PGlite' | 'PostgreSQL 18',
  { devices = 1, audience = { users: ['ben'] } }: { devices?: number; audience?: Audience } = {},
) {
  const database = await openDatabase(kind)
  const before = await openRunning(kind, {}, { database })
  const tokens: string[] = []
  for (let i = 0; i < devices; i++) tokens.push(await before.device('ben'))
  await before.stop()
  const id = await before.notify({ audience })
  return { database, id, tokens }
}

async function movedTo(database: Opened, move: Parameters<typeof registerPushToken>[1]): Promise<Opened> {
  await ensureUser(database.db, { id: move.userId, name: null })
  await registerPushToken(database.db, move)
  return database
}

const booksOf = ({ db }: Opened) =>
  openBooks({ db, clock: systemClock, emit: () => undefined, tally: openTally(systemClock), receiptDelayMs: 0 })

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

  test('a late answer is appended, its receipt is asked for; it overwrites nothing, and is not in the books', async () => {
    const { database, id } = await worldBeforeWork(kind)
    const { held } = await beginAndDie(database, id)
    const asked: string[] = []
    const world = await openRunning(kind, { receipt: (ticket) => void asked.push(ticket) }, { database })
    await world.drain()
    const before = await world.db.kysely.selectFrom('deliveries').selectAll().execute()
    const late = { ...held, results: [RESULT.accepted], ticketIds: ['late ticket'] }
    for (const again of [late, late]) await settleDeliveries(world.db, [again])
    await until('the question', () => asked.length > 0)
    expect(asked).toEqual(['late ticket'])
    const after = await world.db.kysely.selectFrom('deliveries').selectAll().orderBy('id').execute()
    expect(after).toHaveLength(2)
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

  test('an attempt that was taken over cannot begin, settle, release or split', async () => {
    const { database, id } = await worldBeforeWork(kind)
    const { held, parcel } = await beginAndDie(database, id)
    expect(await beginDeliveries(database.db, [held])).toEqual([])
    await takeOver(database.db, [held])
    const [second] = await beginDeliveries(database.db, [{ ...held, attempt: held.attempt + 1 }])
    expect(second?.attempt).toBeGreaterThan(held.attempt)
    await settleDeliveries(database.db, [{ ...held, results: [RESULT.unknown], ticketIds: null }])
    for (const putBack of [releaseDeliveries, repeatAmbiguous, takeOver]) await putBack(database.db, [held])
    const pieces = [{ project: null, tokenIds: parcel.delivery.token_ids }]
    expect(await splitDelivery(database.db, held, pieces)).toEqual([])
    const row = () => database.db.kysely.selectFrom('deliveries').selectAll().execute()
    expect(await row()).toMatchObject([{ state: 1, attempt: second?.attempt, unknown: 0, ambiguous: 0, deaths: 1 }])
  })

  test('what somebody else has divided since it was read is begun by nobody as it was', async () => {
    const { database, id } = await worldBeforeWork(kind, { devices: 2 })
    const { held, parcel } = await beginAndDie(database, id)
    const read = async () => (await findDirectWork(database.db, [{ notificationId: id, chunk: 0 }], 1_000))[0]!
    const { notification, plan } = await read()
    const groups = parcel.delivery.token_ids.map((tokenId) => ({ project: null, tokenIds: [tokenId] }))
    expect(await splitDelivery(database.db, held, groups)).toHaveLength(2)
    const emit = () => undefined
    const books = booksOf(database)
    expect(await books.begin(parcel.delivery)).toBeUndefined()
    for (const on_unknown of ['repeat', 'drop'] as const) {
      const stale = resumePlan({ db: database.db, emit }, { ...notification, on_unknown }, plan!)
      await expect(stale).rejects.toThrow(ClaimLost)
    }
    const [first, second] = await resumePlan({ db: database.db, emit }, notification, (await read()).plan!)
    expect(await books.begin(first!.delivery)).toBeDefined()
    expect(await books.begin(second!.delivery)).toBeDefined()
  })

  test('of two workers of one process who begin the same at the same time, one holds it', async () => {
    const { database, id } = await worldBeforeWork(kind)
    const [work] = await findDirectWork(database.db, [{ notificationId: id, chunk: 0 }], 1_000)
    const [parcel] = await planNew(database.db, [{ ...work!, chunk: 0, recipients: work!.devices! }])
    const books = booksOf(database)
    const held = await Promise.all([books.begin(parcel!.delivery), books.begin(parcel!.delivery)])
    expect(held.map(Boolean)).toEqual([true, false])
  })

  test('what is settled stays as it is, whoever comes back to it', async () => {
    const { database, id } = await worldBeforeWork(kind)
    const { held } = await beginAndDie(database, id)
    await settleDeliveries(database.db, [{ ...held, results: [RESULT.accepted], ticketIds: ['t'] }])
    for (const putBack of [releaseDeliveries, repeatAmbiguous, takeOver]) await putBack(database.db, [held])
    await settleDeliveries(database.db, [{ ...held, results: [RESULT.unknown], ticketIds: null }])
    expect(await beginDeliveries(database.db, [held])).toEqual([])
    const rows = await database.db.kysely.selectFrom('deliveries').selectAll().execute()
    expect(rows).toMatchObject([{ state: 2, accepted: 1, unknown: 0, ambiguous: 0, deaths: 0 }])
  })

  test('an answer to what was closed as unknown under the same attempt is kept beside it', async () => {
    const { database, id } = await worldBeforeWork(kind)
    const { held } = await beginAndDie(database, id)
    await settleDeliveries(database.db, [{ ...held, results: [RESULT.unknown], ticketIds: null }])
    await settleDeliveries(database.db, [{ ...held, results: [RESULT.accepted], ticketIds: ['t'] }])
    const rows = await database.db.kysely.selectFrom('deliveries').selectAll().orderBy('id').execute()
    expect(rows).toMatchObject([
      { unknown: 1, accepted: 0, late: false },
      { accepted: 1, late: true, ticket_ids: ['t'] },
    ])
  })

  test('a late answer to a request that was divided meanwhile does not fit, and is no error', async () => {
    const { database, id } = await worldBeforeWork(kind, { devices: 2 })
    const { held, parcel } = await beginAndDie(database, id)
    await takeOver(database.db, [held])
    const [second] = await beginDeliveries(database.db, [{ ...held, attempt: held.attempt + 1 }])
    const groups = parcel.delivery.token_ids.map((tokenId) => ({ project: null, tokenIds: [tokenId] }))
    expect(await splitDelivery(database.db, second!, groups)).toHaveLength(2)
    const results = [RESULT.accepted, RESULT.accepted]
    await settleDeliveries(database.db, [{ ...held, results, ticketIds: ['t 1', 't 2'] }])
    expect(await totalsOf(database.db, id)).toMatchObject({ targeted: 2, pending: 2, accepted: 0 })
  })

  test('who logged out since the plan, or whose phone is now another user’s, is not in what is taken up again', async () => {
    const { database, id, tokens } = await worldBeforeWork(kind, { devices: 3 })
    await beginAndDie(database, id)
    await unregisterPushToken(database.db, { userId: 'ben', token: tokens[0]! })
    const move = { userId: 'ana', token: tokens[1]!, deviceType: 'ios', movesPerDay: null } as const
    const world = await openRunning(kind, {}, { database: await movedTo(database, move) })
    await world.drain()
    expect(world.sent.map((one) => one.token)).toEqual([tokens[2]])
    expect(await expectBalanced(world, id)).toMatchObject({ accepted: 1, unknown: 2, skipped: 0 })
  })

  test('a phone that since the plan belongs to somebody excepted does not ring', async () => {
    const audience: Audience = { everyone: true, except: ['ana'] }
    const { database, id, tokens } = await worldBeforeWork(kind, { devices: 2, audience })
    await planChunk(database, id)
    const move = { userId: 'ana', token: tokens[0]!, deviceType: 'ios', movesPerDay: null } as const
    const world = await openRunning(kind, {}, { database: await movedTo(database, move) })
    await world.drain()
    expect(world.sent.map((one) => one.token)).toEqual([tokens[1]])
  })

  test('a phone that since the plan belongs to somebody who does not follow the topic does not ring', async () => {
    const { database, id, tokens } = await worldBeforeWork(kind, { devices: 3, audience: { topic: 'news' } })
    await subscribe(database.db, 'news', 'ben')
    await planChunk(database, id)
    const move = { userId: 'ana', token: tokens[1]!, deviceType: 'ios', movesPerDay: null } as const
    const world = await openRunning(kind, {}, { database: await movedTo(database, move) })
    await world.drain()
    expect(world.sent.map((one) => one.token)).toEqual([tokens[0], tokens[2]])
  })

  test('a refusal that is written down twice is there once, and retires once', async () => {
    const { database, id } = await worldBeforeWork(kind)
    const { held, parcel } = await beginAndDie(database, id)
    const refusal = {
      tokenId: parcel.delivery.token_ids[0]!,
      deliveryId: held.id,
      project: '',
      stage: 'ticket',
      code: 'DeviceNotRegistered',
      message: 'gone',
      fate: 'retire',
    } as const
    const write = () => database.db.transaction((tx) => writeRefused(tx, () => [], [refusal]))
    expect([(await write()).length, (await write()).length]).toEqual([1, 0])
    expect(await database.db.kysely.selectFrom('refusals').select('id').execute()).toHaveLength(1)
    const { rows } = await sql`select id from belfry.token_events where kind = 'retired'`.execute(database.db.kysely)
    expect(rows).toHaveLength(1)
  })

  test('a refusal in a late answer is written beside it, and not to its successor', async () => {
    const { database, id } = await worldBeforeWork(kind, { devices: 2 })
    const { held, parcel } = await beginAndDie(database, id)
    await takeOver(database.db, [held])
    const books = booksOf(database)
    const tokenId = parcel.delivery.token_ids[1]!
    await books.settle({
      project: null,
      settled: { ...held, results: [RESULT.accepted, RESULT.refused], ticketIds: ['t', null] },
      refused: [{ tokenId, stage: 'ticket', code: 'MessageTooBig', message: 'no', fate: 'keep' }],
    })
    const late = await database.db.kysely.selectFrom('deliveries').select('id').where('late', '=', true).execute()
    const refusals = await database.db.kysely.selectFrom('refusals').select('delivery_id as id').execute()
    expect(late).toHaveLength(1)
    expect(refusals).toEqual(late)
  })

  test('a late answer retires nobody, nor does its receipt: they may have registered again since', async () => {
    const { database, id, tokens } = await worldBeforeWork(kind, { devices: 2 })
    const { held, parcel } = await beginAndDie(database, id)
    for (const token of tokens) {
      await registerPushToken(database.db, { userId: 'ben', token, deviceType: 'ios', movesPerDay: null })
    }
    const gone = { code: 'DeviceNotRegistered', message: 'gone' }
    const receipt = (ticket: string) => (ticket === 'late' ? ({ status: 'error', ...gone } as const) : undefined)
    const world = await openRunning(kind, { receipt }, { database })
    await world.drain()
    const books = booksOf(database)
    const tokenId = parcel.delivery.token_ids[0]!
    await books.settle({
      project: null,
      settled: { ...held, results: [RESULT.refused, RESULT.accepted], ticketIds: [null, 'late'] },
      refused: [{ tokenId, stage: 'ticket', ...gone, fate: 'retire' }],
    })
    await database.db.transaction((tx) => enqueueReceipts(tx, [{ notificationId: id, chunk: 0 }], 0))
    const refusals = () => database.db.kysely.selectFrom('refusals').select('stage').orderBy('id').execute()
    await until('the receipt', async () => (await refusals()).length === 2)
    expect(await listPushTokens(database.db, 'ben')).toMatchObject([{ active: true }, { active: true }])
  })

  test('a receipt that is read twice is counted once, and what was said first stays', async () => {
    const { database, id } = await worldBeforeWork(kind)
    const { held } = await beginAndDie(database, id)
    await settleDeliveries(database.db, [{ ...held, results: [RESULT.accepted], ticketIds: ['t'] }])
    const [before] = await findAwaiting(database.db, [held.id])
    for (const result of [RESULT.handed_over, RESULT.no_receipt])
      await settleReceipts(database.db, [{ before: before!, results: [result] }])
    expect(await findAwaiting(database.db, [held.id])).toEqual([])
    expect(await totalsOf(database.db, id)).toMatchObject({ accepted: 1, handed_over: 1, no_receipt: 0 })
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
