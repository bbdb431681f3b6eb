/** Promise 4, for lists: what is added up for many notifications at once, and kept, is what the ledger says of each. */
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { RESULT } from '../../src/domain/answers/result.ts'
import type { Db } from '../../src/store/database/db.ts'
import { beginDeliveries, settleDeliveries, takeOver } from '../../src/store/ledger/deliveries.ts'
import { totalsOf } from '../../src/store/ledger/ledger.ts'
import { insertPlan } from '../../src/store/ledger/plan.ts'
import { findAwaiting, settleReceipts } from '../../src/store/ledger/receipts.ts'
import { finishNotifications } from '../../src/store/notifications/notifications.ts'
import { exactTotals, totalsOfMany } from '../../src/store/views/totals.ts'
import { openDatabase } from '../kit/inside.ts'
import { insertBroadcast } from '../kit/ledger.ts'

/** A delivery to two devices, one of which is refused, whose first attempt lost it and was answered all the same. */
async function deliver(db: Db, notificationId: string): Promise<number> {
  const [planned] = await insertPlan(db, [{ notificationId, chunk: 1, part: 0, project: null, tokenIds: [1, 2] }])
  const answer = (attempt: number) => ({
    id: planned!.id,
    attempt,
    results: [RESULT.accepted, RESULT.refused],
    ticketIds: [`ticket ${attempt}`, null],
  })
  const [lost] = await beginDeliveries(db, [planned!])
  const [taken] = await takeOver(db, [lost!])
  const [held] = await beginDeliveries(db, [taken!])
  for (const { attempt } of [lost!, held!]) await settleDeliveries(db, [answer(attempt)])
  return planned!.id
}

describe.each(['PGlite', 'PostgreSQL 18'] as const)('on %s', (kind) => {
  test('a late answer is in no sum, and a receipt is in all, also when it comes after they were looked at', async () => {
    const { db } = await openDatabase(kind)
    const id = await insertBroadcast(db)
    const deliveryId = await deliver(db, id)
    await finishNotifications(db, [{ id, skipReason: null }])
    const one = { id, state: 'finished' } as const
    const listed = async () => (await totalsOfMany(db, [one])).get(id)

    const before = await totalsOf(db, id)
    expect(before).toMatchObject({ targeted: 2, accepted: 1, refused: 1, awaiting_receipt: 1 })
    // Added up, and then as they were kept.
    for (const totals of [await listed(), await listed(), await exactTotals(db, one)]) expect(totals).toEqual(before)

    const [awaiting] = await findAwaiting(db, [deliveryId])
    await settleReceipts(db, [{ before: awaiting!, results: [RESULT.handed_over, RESULT.refused] }])
    const after = await totalsOf(db, id)
    expect(after).toMatchObject({ handed_over: 1, awaiting_receipt: 0 })
    expect(await exactTotals(db, one)).toEqual(after)
    await sql`update ${db.t.totals} set at = at - interval '1 minute' where not final`.execute(db.kysely)
    expect(await listed()).toEqual(after)
  })
})
