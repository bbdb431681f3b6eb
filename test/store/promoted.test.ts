/**
 * A standby that is promoted may never have heard of a plan that a worker holds, and gives its ids to the next one. Nothing that is held
 * of the first may touch the other.
 */
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import type { Db } from '../../src/store/database/db.ts'
import { beginDeliveries, insertRefusals, settleAndBegin, splitDelivery } from '../../src/store/ledger/deliveries.ts'
import { insertPlan, type OpenDelivery } from '../../src/store/ledger/plan.ts'
import { KINDS, openDatabase } from '../kit/inside.ts'
import { insertBroadcast } from '../kit/ledger.ts'

/** The database as it was before any of this, in which the ids of these are free again. */
async function forget(db: Db, lost: OpenDelivery[]): Promise<void> {
  const ids = lost.map(({ id }) => id)
  await sql`delete from ${db.t.deliveries} where id = any(${ids}::bigint[])`.execute(db.kysely)
  await sql`select setval(pg_get_serial_sequence('belfry.deliveries', 'id'), ${Math.min(...ids)}::bigint, false)`.execute(
    db.kysely,
  )
}

const rows = (db: Db) => db.rows(sql`select id, state, token_ids, accepted, late from ${db.t.deliveries} order by id`)

describe.each(KINDS)('on %s', (kind) => {
  async function plan(db: Db, chunk: number, begin = false): Promise<OpenDelivery[]> {
    const notificationId = await insertBroadcast(db)
    const tokenIds = [chunk, chunk + 1]
    return insertPlan(db, [{ notificationId, chunk, part: 0, project: null, tokenIds }], begin)
  }
  const answer = ({ id, attempt }: OpenDelivery) => ({ id, attempt, results: [1, 1], ticketIds: ['a', 'b'] })

  test('who holds a plan that is lost cannot begin the one that has its ids', async () => {
    const { db } = await openDatabase(kind)
    const lost = await plan(db, 1)
    await forget(db, lost)
    const [next] = await plan(db, 11)
    expect(next!.id).toBe(lost[0]!.id)
    expect(await beginDeliveries(db, lost)).toEqual([])
    expect(await settleAndBegin(db, [], lost)).toEqual([])
    expect(await beginDeliveries(db, [next!])).toHaveLength(1)
  })

  test('an answer to what is lost is not taken for an answer to the other, nor kept beside it', async () => {
    const { db } = await openDatabase(kind)
    const [lost] = await plan(db, 1, true)
    await forget(db, [lost!])
    const [next] = await plan(db, 11, true)
    expect(next!.id).toBe(lost!.id)
    await settleAndBegin(db, [answer(lost!)], [])
    await insertRefusals(db, [{ deliveryId: lost!.id, tokenId: 1, stage: 'ticket', code: 'ExpoError', message: '' }])
    const row = { id: next!.id, token_ids: [11, 12], late: false }
    expect(await rows(db)).toEqual([{ ...row, state: 1, accepted: 0 }])
    expect(await db.rows(sql`select 1 from ${db.t.refusals}`)).toEqual([])
    await settleAndBegin(db, [answer(next!)], [])
    expect(await rows(db)).toEqual([{ ...row, state: 2, accepted: 2 }])
  })

  test('nor what was divided', async () => {
    const { db } = await openDatabase(kind)
    const [whole] = await plan(db, 1, true)
    const groups = [1, 2].map((id) => ({ project: null, tokenIds: [id] }))
    const [, piece] = await splitDelivery(db, whole!, groups)
    await forget(db, [piece!])
    const [next] = await plan(db, 11)
    expect(next!.id).toBe(piece!.id)
    expect(await beginDeliveries(db, [piece!])).toEqual([])
  })
})
