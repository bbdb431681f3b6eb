/** Promise 5: what is concluded for one project and platform touches no push token of another. */
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { RESULT } from '../../src/domain/answers/result.ts'
import type { Db } from '../../src/store/database/db.ts'
import { beginDeliveries, settleDeliveries } from '../../src/store/ledger/deliveries.ts'
import { insertPlan } from '../../src/store/ledger/plan.ts'
import { findMended, raiseCredentialsAlarms, restoreSuspended } from '../../src/store/tokens/alarms.ts'
import { countAnswers, releaseFlood, tripFlood, undoFlood } from '../../src/store/tokens/flood.ts'
import { retireTokens } from '../../src/store/tokens/token-fates.ts'
import { crowd } from '../kit/books.ts'
import { type Kind, openDatabase } from '../kit/inside.ts'
import { insertBroadcast } from '../kit/ledger.ts'

/** Two projects, each with as many devices, every other one of them an iPhone. */
async function openWithProjects(kind: Kind, devices: number): Promise<Db> {
  const database = await openDatabase(kind)
  for (const project of ['one', 'two']) await crowd(database, devices, project)
  await sql`update ${database.db.t.push_tokens} set project = split_part(user_id, '-', 1)`.execute(database.db.kysely)
  return database.db
}

const takeOut = (db: Db, reason: string, which = sql`true`) =>
  sql`update ${db.t.push_tokens} set active = false, inactive_reason = ${reason}, inactive_at = ${db.now}
    where ${which}`.execute(db.kysely)

async function activeIn(db: Db): Promise<Record<string, number>> {
  const rows = await db.rows<{ name: string; count: number }>(sql`
    select project || ' ' || device_type as name, count(*) as count from ${db.t.push_tokens} where active group by 1`)
  return Object.fromEntries(rows.map((row) => [row.name, row.count]))
}

/** @returns a delivery to these push tokens that was sent, and accepted, just now. */
async function sendTo(db: Db, tokenIds: number[]): Promise<number> {
  const notificationId = await insertBroadcast(db)
  const [planned] = await insertPlan(db, [{ notificationId, chunk: 1, part: 0, project: null, tokenIds }])
  const [held] = await beginDeliveries(db, [planned!])
  const results = tokenIds.map(() => RESULT.accepted)
  await settleDeliveries(db, [{ ...held!, results, ticketIds: tokenIds.map((id) => `ticket of ${id}`) }])
  return held!.id
}

async function floodIn(db: Db, project: string): Promise<number> {
  await db.transaction(async (tx) => {
    await countAnswers(tx, project, [{ minutesAgo: 0, answered: 300 }], 300)
    expect(await tripFlood(tx, project, 1)).toBe(300)
  })
  return (await db.kysely.selectFrom('alarms').select('id').executeTakeFirstOrThrow()).id
}

describe.each(['PGlite', 'PostgreSQL 18'] as const)('on %s', (kind) => {
  test('credentials that work again bring back their own project and platform', async () => {
    const db = await openWithProjects(kind, 4)
    await takeOut(db, 'InvalidCredentials')
    expect(await restoreSuspended(db, { project: 'one', deviceType: 'ios' }, 'operator')).toBe(2)
    expect(await activeIn(db)).toEqual({ 'one ios': 2 })
  })

  test('the receipt of a push from before the suspension does not say that credentials work again', async () => {
    const db = await openWithProjects(kind, 2)
    const [ios] = await db.rows<{ id: number }>(sql`
      select id from ${db.t.push_tokens} where project = 'one' and device_type = 'ios'`)
    const tokenId = ios!.id
    const before = await sendTo(db, [tokenId])
    await takeOut(db, 'InvalidCredentials')
    await raiseCredentialsAlarms(db, [{ project: 'one', deviceType: 'ios' }])
    expect(await findMended(db, [{ tokenId, deliveryId: before }])).toEqual([])
    const probe = await sendTo(db, [tokenId])
    expect(await findMended(db, [{ tokenId, deliveryId: probe }])).toEqual([{ project: 'one', deviceType: 'ios' }])
  })

  test('a flood in one project brings back none of another, and holds none', async () => {
    const db = await openWithProjects(kind, 4)
    await takeOut(db, 'DeviceNotRegistered', sql`device_type = 'ios'`)
    const flood = await floodIn(db, 'one')
    expect(await undoFlood(db, flood)).toBe(2)
    expect(await activeIn(db)).toEqual({ 'one android': 2, 'one ios': 2, 'two android': 2 })

    const android = await db.rows<{ id: number; project: string }>(sql`
      select id, project from ${db.t.push_tokens} where device_type = 'android'`)
    const deliveryId = await sendTo(
      db,
      android.map((one) => one.id),
    )
    for (const [project, retired] of [
      ['one', 0],
      ['two', 2],
    ] as const) {
      const judged = android.filter((one) => one.project === project)
      const said = judged.map(({ id }) => ({ id, token: undefined, deliveryId }))
      expect(await db.transaction((tx) => retireTokens(tx, project, said))).toHaveLength(retired)
    }
    expect(await activeIn(db)).toEqual({ 'one android': 2, 'one ios': 2 })
  })

  test('a flood that a person has released does not trip again for what was said before', async () => {
    const db = await openWithProjects(kind, 2)
    await releaseFlood(db, await floodIn(db, 'one'), 'operator')
    await db.transaction(async (tx) => {
      await countAnswers(tx, 'one', [{ minutesAgo: 0, answered: 1 }], 1)
      expect(await tripFlood(tx, 'one', 1)).toBeUndefined()
    })
  })
})
