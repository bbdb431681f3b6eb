/** What a broadcast asks again and again is planned once, and reads no more than it needs. */
import { randomUUID, randomUUIDv7 } from 'node:crypto'
import { type RawBuilder, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import type { Db } from '../../src/store/database/db.ts'
import { readChunk } from '../../src/store/ledger/chunk.ts'
import { beginDeliveries, type Held, settleAndBegin } from '../../src/store/ledger/deliveries.ts'
import { cutPage } from '../../src/store/ledger/fan-out.ts'
import { findWork, insertPlan } from '../../src/store/ledger/plan.ts'
import { acceptedDeliveries } from '../../src/store/ledger/receipts.ts'
import { KINDS, type Kind, openDatabase } from '../kit/inside.ts'

const CHUNKS = 40
const PARTS = 30
/** The first makes a statement known, and five have plans of their own. */
const TIMES = 20

/** A broadcast in tables that nobody has analysed. @returns its id, and those of its deliveries. */
async function planBroadcast(tx: Db) {
  const id = randomUUIDv7()
  await sql`insert into ${tx.t.users} (id) values ('ben')`.execute(tx.kysely)
  await sql`insert into ${tx.t.push_tokens} (user_id, token, device_type)
    select 'ben', 'ExponentPushToken[t' || n || ']', 'ios' from generate_series(1, 3000) n`.execute(tx.kysely)
  await sql`insert into ${tx.t.notifications} (id, kind, lane, audience, content, expires_at, state)
    values (${id}, 'post', 'broadcast', '{"everyone": true}', '{}', ${tx.now} + interval '1 hour', 'sending')`.execute(
    tx.kysely,
  )
  const part = { notificationId: id, project: null, tokenIds: [1, 2, 3] }
  const deliveries: Held[] = []
  for (let chunk = 1; chunk <= CHUNKS; chunk++) {
    const planned = await insertPlan(
      tx,
      Array.from({ length: PARTS }, (_, index) => ({ ...part, chunk, part: index })),
    )
    deliveries.push(...planned)
  }
  return { id, deliveries }
}

async function send(tx: Db, { id, deliveries }: { id: string; deliveries: Held[] }): Promise<void> {
  let held: Held[] = []
  for (let time = 0; time < TIMES; time++) {
    const answers = held.map((one) => ({
      ...one,
      results: [1, 1, 1],
      ticketIds: Array.from({ length: 3 }, () => randomUUID()),
    }))
    held = await settleAndBegin(tx, answers, deliveries.slice(time * 5, time * 5 + 5))
    expect(held).toHaveLength(5)
    const piece = { notificationId: id, chunk: 1 + time }
    const from = 1 + time * 100
    expect(await readChunk(tx, { from, to: from + 99, except: ['author'] })).toHaveLength(100)
    expect(await findWork(tx, [piece])).toMatchObject([{ notification: { id } }])
    await acceptedDeliveries(tx, [piece])
  }
}

/** A transaction, so that all of it is on one connection. */
const on = async <T>(kind: Kind, work: (tx: Db) => Promise<T>): Promise<T> =>
  (await openDatabase(kind)).db.transaction(work)

/** The handle, with how many bytes of the server's log each of its statements writes: others write there, too. */
function logging(tx: Db, sizes: number[]): Db {
  interface Ran {
    'QUERY PLAN': { Plan: { 'WAL Bytes': number } }[]
  }
  const rows = async <T>(query: RawBuilder<T>) => {
    const [ran] = await tx.rows<Ran>(sql`explain (analyze, wal, format json) ${query}`)
    sizes.push(ran!['QUERY PLAN'][0]!.Plan['WAL Bytes'])
    return []
  }
  return { ...tx, rows }
}

describe.each(['PostgreSQL 18', 'PostgreSQL 14'] as const)('on %s', (kind) => {
  test('what is asked again and again is planned once', async () => {
    const plans = await on(kind, async (tx) => {
      await send(tx, await planBroadcast(tx))
      return tx.rows<{ statement: string; generic: number }>(
        sql`select statement, generic_plans::int as generic from pg_prepared_statements`,
      )
    })
    const again = ['with written as', 'string_agg', 'as plan', 'd.accepted::int'].map(
      (words) => plans.find(({ statement }) => statement.includes(words))?.generic ?? 0,
    )
    expect(Math.min(...again)).toBeGreaterThan(TIMES / 2)
  })

  test('to begin some deliveries, no others of their broadcast are read', async () => {
    const read = await on(kind, async (tx) => {
      const { deliveries } = await planBroadcast(tx)
      const entriesRead = async () => {
        const [row] = await tx.rows<{ entries: number }>(
          sql`select pg_stat_get_xact_tuples_returned('belfry.deliveries_part'::regclass)::int as entries`,
        )
        return row!.entries
      }
      const before = await entriesRead()
      for (let at = 0; at < TIMES; at++) await beginDeliveries(tx, [deliveries[at]!])
      return (await entriesRead()) - before
    })
    expect(read).toBeLessThan(CHUNKS * PARTS)
  })

  test('to begin a delivery, its push tokens are not logged again', async () => {
    const tokenIds = Array.from({ length: 100 }, (_, n) => 1 + n)
    const logged = await on(kind, async (tx) => {
      const { id } = await planBroadcast(tx)
      const sizes: number[] = []
      for (let time = 0; time < TIMES; time++) {
        const part = { notificationId: id, chunk: 10_000 + time, part: 0, project: null, tokenIds }
        const planned = await insertPlan(tx, [part])
        await beginDeliveries(logging(tx, sizes), [planned[0]!])
      }
      return sizes
    })
    expect(logged).toHaveLength(TIMES)
    expect(Math.min(...logged)).toBeGreaterThan(0)
    expect(Math.max(...logged)).toBeLessThan(tokenIds.length * 4)
  })
})

describe.each(KINDS)('on %s', (kind) => {
  test('of a topic with few followers, nobody between them is read', async () => {
    const users = 100_000
    const followers = 100
    const { db } = await openDatabase(kind)
    await sql`insert into ${db.t.users} (id) select 'u' || n from generate_series(1, ${users}::int) n`.execute(
      db.kysely,
    )
    await sql`insert into ${db.t.push_tokens} (user_id, token, device_type)
      select 'u' || n, 'ExponentPushToken[t' || n || ']', 'ios' from generate_series(1, ${users}::int) n`.execute(
      db.kysely,
    )
    await sql`insert into ${db.t.subscriptions} (user_id, topic)
      select 'u' || n * ${users / followers}::int, 'rare' from generate_series(1, ${followers}::int) n`.execute(
      db.kysely,
    )
    await sql`analyze`.execute(db.kysely)
    const read = await db.transaction(async (tx) => {
      for (let time = 0; time < TIMES; time++) {
        const chunk = await readChunk(tx, { from: 1, to: users - time, except: [], topic: 'rare' })
        expect(chunk.length).toBeGreaterThan(followers - 2)
        const notificationId = randomUUIDv7()
        await sql`insert into ${tx.t.notifications} (id, kind, lane, audience, content, expires_at, max_token_id)
          values (${notificationId}, 'post', 'broadcast', '{"topic": "rare"}', '{}', ${tx.now} + interval '1 hour', ${users}::int)`.execute(
          tx.kysely,
        )
        expect(await cutPage(tx, { notificationId, page: 0 }, { endInHalves: false })).toBe(true)
      }
      const [row] = await tx.rows<{ entries: number }>(sql`
        select sum(pg_stat_get_xact_tuples_returned(oid))::int as entries from pg_class
        where relname in ('push_tokens', 'push_tokens_walk', 'push_tokens_pkey')`)
      return row!.entries
    })
    expect(read).toBeLessThan(users)
  })
})
