/**
 * What a process builds on waits for the disk: PostgreSQL may crash while the process lives. Also plans, whose ids it holds: a
 * plan that were lost would leave its ids to others, and the process would begin their rows.
 */
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import type { Db } from '../../src/store/database/db.ts'
import { beginDeliveries, settleAndBegin, settleDeliveries } from '../../src/store/ledger/deliveries.ts'
import { leftLate, takeSlot } from '../../src/store/ledger/pace.ts'
import { insertPlan } from '../../src/store/ledger/plan.ts'
import { finishChunks, insertNotification } from '../../src/store/notifications/notifications.ts'
import { KINDS, openDatabase } from '../kit/inside.ts'
import { broadcast } from '../kit/ledger.ts'

describe.each(KINDS)('on %s', (kind) => {
  /** @returns whether the commit of a transaction in which this is done waits. */
  async function waits(db: Db, work: (tx: Db) => Promise<unknown>): Promise<boolean> {
    return db.transaction(async (tx) => {
      // The server of these tests waits for nothing.
      await sql`set local synchronous_commit = on`.execute(tx.kysely)
      await work(tx)
      const [row] = await tx.rows<{ synchronous_commit: string }>(sql`show synchronous_commit`)
      return row?.synchronous_commit === 'on'
    })
  }

  test('a notification, a plan, an intent, an answer and the end of a chunk', async () => {
    const { db } = await openDatabase(kind)
    const notification = broadcast()
    expect(await waits(db, (tx) => insertNotification(tx, notification))).toBe(true)

    const part = (index: number) => ({
      notificationId: notification.id,
      chunk: 1,
      part: index,
      project: null,
      tokenIds: [1],
    })
    expect(await waits(db, (tx) => insertPlan(tx, [part(0), part(1)]))).toBe(true)
    expect(await waits(db, (tx) => insertPlan(tx, [part(2)], true))).toBe(true)
    expect(await waits(db, (tx) => beginDeliveries(tx, [{ id: 1, attempt: 0 }]))).toBe(true)
    const answer = (id: number) => ({ id, attempt: 1, results: [1], ticketIds: ['a'] })
    expect(await waits(db, (tx) => settleAndBegin(tx, [answer(1)], [{ id: 2, attempt: 0 }]))).toBe(true)
    expect(await waits(db, (tx) => settleDeliveries(tx, [answer(2)]))).toBe(true)
    await sql`update ${db.t.notifications} set chunks = 1`.execute(db.kysely)
    expect(await waits(db, (tx) => finishChunks(tx, [notification.id]))).toBe(true)
  })

  test('a place in the pace need not wait for it, but what is written over the same connection next does', async () => {
    const { db } = await openDatabase(kind)
    const ask = { project: '', lane: 'direct', recipients: 1, perSecond: 600 } as const
    await sql`set synchronous_commit = on`.execute(db.kysely)
    // The first one only makes the row.
    await takeSlot(db, ask)
    const { at } = await takeSlot(db, ask)
    await leftLate(db, { ...ask, slotAt: at!, lateMs: 10 })
    const { rows } = await sql`show synchronous_commit`.execute(db.kysely)
    expect(rows).toEqual([{ synchronous_commit: 'on' }])
  })
})
