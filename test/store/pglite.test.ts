/** The embedded database keeps the statements that come again, and answers as it does the first time. */
import { join } from 'node:path'
import { type RawBuilder, sql } from 'kysely'
import { expect, test, vi } from 'vitest'
import { isDatabaseAway, isTaken } from '../../src/store/database/away.ts'
import type { Db } from '../../src/store/database/db.ts'
import { KeepingPGlite } from '../../src/store/database/pglite.ts'
import { PLAN_ANEW } from '../../src/store/database/prepared.ts'
import { openDatabase } from '../kit/inside.ts'

/** The kept statements that have all these words in them. */
async function keptWith(db: Db, ...words: string[]): Promise<string[]> {
  const kept = await db.rows<{ statement: string }>(sql`select statement from pg_prepared_statements`)
  return kept.map((one) => one.statement).filter((text) => words.every((word) => text.includes(word)))
}

const addUser = ({ t }: Db, id: string): RawBuilder<unknown> =>
  sql`insert into ${t.users} (id, name) values (${id}, ${null}) returning id, name`

test('what comes a second time is kept, once, and answers as the first time', async () => {
  const { db } = await openDatabase('PGlite')
  const at = new Date('2026-01-02T03:04:05.678Z')
  const ask = () =>
    sql`select ${1}::int as n, ${'a "b" {c},\\'}::text as words, ${['a', null, 'b c']}::text[] as list, ${[1, 2]}::bigint[] as ids,
      ${at}::timestamptz as at, ${true}::bool as yes, ${null}::text as nothing, ${{ a: [1] }}::jsonb as data, 2.5::float8 as part`.execute(
      db.kysely,
    )
  const [first, second, third] = [await ask(), await ask(), await ask()]
  expect(first.rows).toMatchObject([{ n: 1, list: ['a', null, 'b c'], ids: [1, 2], at, yes: true, nothing: null }])
  expect(second).toEqual(first)
  expect(third).toEqual(first)
  expect(await keptWith(db, 'as words')).toHaveLength(1)
})

test('in a transaction as well, which it neither ends nor outlives', async () => {
  const { db } = await openDatabase('PGlite')
  for (const id of ['a', 'b']) await db.rows(addUser(db, id))
  const failed = db.transaction(async (tx) => {
    for (const id of ['c', 'd']) expect(await tx.rows(addUser(tx, id))).toEqual([{ id, name: null }])
    throw new Error('no')
  })
  await expect(failed).rejects.toThrow('no')
  await db.transaction(async (tx) => void (await tx.rows(addUser(tx, 'e'))))
  const users = await db.kysely.selectFrom('users').select('id').orderBy('id').execute()
  expect(users.map((one) => one.id)).toEqual(['a', 'b', 'e'])
  expect(await keptWith(db, 'insert into', 'users')).toHaveLength(1)
})

test('a kept statement that fails says why, and hurts nothing but its own transaction', async () => {
  const { db } = await openDatabase('PGlite')
  for (const id of ['a', 'b']) await db.rows(addUser(db, id))
  expect(await keptWith(db, 'insert into', 'users')).toHaveLength(1)
  const taken = await db.rows(addUser(db, 'a')).catch((error: unknown) => error)
  expect(isTaken(taken)).toBe(true)
  const failed = db.transaction(async (tx) => {
    await tx.rows(addUser(tx, 'c'))
    await tx.rows(addUser(tx, 'a'))
  })
  await expect(failed).rejects.toThrow(/duplicate key/)
  expect(await db.rows(addUser(db, 'd'))).toEqual([{ id: 'd', name: null }])
  const users = await db.kysely.selectFrom('users').select('id').orderBy('id').execute()
  expect(users.map((one) => one.id)).toEqual(['a', 'b', 'd'])
})

test('a column that changes its type spoils one question', async () => {
  const { db } = await openDatabase('PGlite')
  await sql`create table belfry.changing (a int)`.execute(db.kysely)
  const ask = () => db.rows(sql`select a from belfry.changing where a = ${1}`)
  for (let n = 0; n < 3; n++) await ask()
  await sql`alter table belfry.changing alter column a type bigint`.execute(db.kysely)
  await expect(ask()).rejects.toMatchObject({ code: '0A000' })
  for (let n = 0; n < 3; n++) expect(await ask()).toEqual([])
})

/** In our own thread, where the time can be moved and what goes in can be seen. */
async function openKeeping() {
  const database = await openDatabase('PGlite')
  await database.close()
  const pglite = new KeepingPGlite({ dataDir: join(database.dataDir!, 'pgdata') })
  await pglite.waitReady
  return pglite
}

test('plans are made anew after a while, also inside a transaction that has failed', async () => {
  const pglite = await openKeeping()
  const asked = vi.spyOn(pglite, 'execProtocolStream')
  const plannedAnew = () => asked.mock.calls.filter(([bytes]) => Buffer.from(bytes).includes(PLAN_ANEW)).length
  const add = 'insert into belfry.users (id) values ($1) returning id'
  for (const id of ['a', 'b']) await pglite.query(add, [id])
  let later = 0
  const now = performance.now.bind(performance)
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + later)
  try {
    expect(plannedAnew()).toBe(0)
    later += 6_000
    expect((await pglite.query(add, ['c'])).rows).toEqual([{ id: 'c' }])
    expect(plannedAnew()).toBe(1)
    const failed = pglite.transaction(async (tx) => {
      await tx.query(add, ['a']).catch(() => undefined)
      later += 6_000
      await tx.query(add, ['d'])
    })
    await expect(failed).rejects.toMatchObject({ code: '25P02' })
    expect((await pglite.query(add, ['d'])).rows).toEqual([{ id: 'd' }])
  } finally {
    clock.mockRestore()
    await pglite.close()
  }
})

test('without values, one statement is kept; several, and what begins a transaction, are not', async () => {
  const pglite = await openKeeping()
  const kept = async () =>
    (await pglite.query<{ statement: string }>(`select statement from pg_prepared_statements where $1`, [true])).rows
      .map((one) => one.statement)
      .filter((text) => !text.includes('pg_prepared'))
  const one = 'with n as (select 1 as n) select n from n'
  for (let time = 0; time < 3; time++) expect((await pglite.query(one)).rows).toEqual([{ n: 1 }])
  for (let time = 0; time < 3; time++) {
    for (const text of ['begin', 'savepoint s', 'release s', 'commit']) await pglite.query(text)
  }
  expect(await kept()).toEqual([one])
  await pglite.close()
})

test('what is asked after the end is told that the database is closed', async () => {
  const pglite = await openKeeping()
  const ask = () => pglite.query('select $1::int as n', [1])
  for (let time = 0; time < 3; time++) expect((await ask()).rows).toEqual([{ n: 1 }])
  const [underWay] = await Promise.all([ask(), pglite.close()])
  expect(underWay.rows).toEqual([{ n: 1 }])
  const refused = await ask().catch((error: unknown) => error)
  expect(isDatabaseAway(refused)).toBe(true)
})
