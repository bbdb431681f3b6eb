/** Ticket ids come out of the ledger as Expo gave them, however they are kept in it. */
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { RESULT } from '../../src/domain/answers/result.ts'
import type { Db } from '../../src/store/database/db.ts'
import { beginDeliveries, type Held, settleDeliveries } from '../../src/store/ledger/deliveries.ts'
import { insertPlan } from '../../src/store/ledger/plan.ts'
import { findAwaiting, settleReceipts } from '../../src/store/ledger/receipts.ts'
import { ticketIdAt } from '../../src/store/ledger/ticket-ids.ts'
import { KINDS, openDatabase } from '../kit/inside.ts'
import { insertBroadcast } from '../kit/ledger.ts'

const { accepted, refused, handed_over, unknown } = RESULT
const uuids = Array.from({ length: 4 }, () => randomUUID())
const [first, second, third] = uuids as [string, string, string]
const NIL = '00000000-0000-0000-0000-000000000000'

describe.each(KINDS)('on %s', (kind) => {
  test.for([
    ['UUIDs', uuids, true],
    ['UUIDs, and refused ones between', [first, null, null, second], true],
    ['a single one', [first], true],
    ['UUIDs and others', [first, 'XXXXXXXX-XXXX-XXXX-XXXX-XXXXXXXXXXXX', second], false],
    ['UUIDs in large letters', [first.toUpperCase()], false],
    [
      'UUIDs that lack hyphens, or have them elsewhere',
      [second.replaceAll('-', ''), `-${second.replace('-', '')}`],
      false,
    ],
    ['UUIDs with digits for hyphens', [second.replaceAll('-', '0')], false],
    ['UUIDs with more after them', [first, `${second}0`], false],
    ['what has the length of one', ['é'.repeat(36), '\u{131}'.repeat(36)], false],
    ['the nil UUID', [first, NIL, third], false],
    ['words', ['ticket-1', 'ticket-2'], false],
    ['words, and refused ones between', ['ticket-1', null, 'ticket-2'], false],
    ['no words', ['ticket 1', '', '"{}",\\'], false],
  ] as const)('ids that are %s', async ([, ids, asBytes]) => {
    const { db } = await openDatabase(kind)
    const held = await begun(db, ids.length)
    await settleDeliveries(db, [{ ...held, ...answer(ids) }])
    const [row] = await findAwaiting(db, [held.id])
    expect(row).toMatchObject({ results: resultsOf(ids), ticket_ids: ids })
    const [kept] = await db.rows<{ bytes: number | null; one: (string | null)[] }>(sql`
      select octet_length(ticket_uuids) as bytes, array(
        select ${ticketIdAt(sql`place`)} from generate_series(1, recipients) place order by place) as one
      from ${db.t.deliveries} d`)
    expect(kept).toEqual({ bytes: asBytes ? 16 * ids.length : null, one: ids })
  })

  test.for([
    ['all refused', [refused, refused], [null, null]],
    ['nobody asked', [unknown, unknown], null],
  ] as const)('no receipts are awaited: %s', async ([, results, ticketIds]) => {
    const { db } = await openDatabase(kind)
    const held = await begun(db, results.length)
    await settleDeliveries(db, [{ ...held, results: [...results], ticketIds: ticketIds && [...ticketIds] }])
    expect(await findAwaiting(db, [held.id])).toEqual([])
    const [row] = await db.rows(sql`select state, results, ticket_ids, ticket_uuids from ${db.t.deliveries}`)
    expect(row).toEqual({ state: 2, results, ticket_ids: null, ticket_uuids: null })
  })

  test('those of several answers that are saved together stay apart', async () => {
    const { db } = await openDatabase(kind)
    const all = [[first, second], ['a', 'b'], [null, third], null, [second]]
    const held: Held[] = []
    for (const ids of all) held.push(await begun(db, ids?.length ?? 3))
    await settleDeliveries(
      db,
      all.map((ids, index) => ({ ...held[index]!, ...(ids ? answer(ids) : { results: [5, 5, 5], ticketIds: null }) })),
    )
    const rows = await findAwaiting(
      db,
      held.map((one) => one.id),
    )
    expect(rows.map((row) => row.ticket_ids)).toEqual(all.filter((ids) => ids !== null))
  })

  test('a late answer is there once, and is told from another one', async () => {
    const { db } = await openDatabase(kind)
    const { id, attempt } = await begun(db, 1)
    const late = (ticket: string) => ({ id, attempt: attempt + 6, results: [accepted], ticketIds: [ticket] })
    for (const ticket of [first, first, second, second]) await settleDeliveries(db, [late(ticket)])
    const rows = await db.rows<{ id: number }>(sql`select id from ${db.t.deliveries} where late order by id`)
    const waiting = await findAwaiting(
      db,
      rows.map((row) => row.id),
    )
    expect(waiting.map((row) => row.ticket_ids)).toEqual([[first], [second]])
  })

  test('they are gone with the last receipt, and not before', async () => {
    const { db } = await openDatabase(kind)
    const held = await begun(db, 2)
    await settleDeliveries(db, [{ ...held, ...answer([first, second]) }])
    const look = async () => (await findAwaiting(db, [held.id]))[0]
    await settleReceipts(db, [{ before: (await look())!, results: [handed_over, accepted] }])
    expect(await look()).toMatchObject({ results: [handed_over, accepted], ticket_ids: [first, second] })
    await settleReceipts(db, [{ before: (await look())!, results: [handed_over, handed_over] }])
    expect(await look()).toBeUndefined()
    const left = await db.rows(sql`select ticket_ids, ticket_uuids from ${db.t.deliveries}`)
    expect(left).toEqual([{ ticket_ids: null, ticket_uuids: null }])
  })
})

async function begun(db: Db, recipients: number): Promise<Held> {
  const notificationId = await insertBroadcast(db)
  const tokenIds = Array.from({ length: recipients }, (_, index) => index + 1)
  const [planned] = await insertPlan(db, [{ notificationId, chunk: 1, part: 0, project: null, tokenIds }])
  const [held] = await beginDeliveries(db, [planned!])
  return held!
}

const resultsOf = (ids: readonly (string | null)[]) => ids.map((id) => (id === null ? refused : accepted))
const answer = (ids: readonly (string | null)[]) => ({ results: resultsOf(ids), ticketIds: [...ids] })
