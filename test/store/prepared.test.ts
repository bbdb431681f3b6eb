/** Statements that come again are prepared: not behind a pooler, not where columns may be added, and with fresh plans. */
import pg from 'pg'
import { expect, test } from 'vitest'
import { QueueClient } from '../../src/store/database/called-back.ts'
import { prepareRepeated } from '../../src/store/database/prepared.ts'
import { openPostgres } from '../kit/postgres.ts'

type Named = { name: string }[]

async function connected(pretend?: { pid: number }) {
  const postgres = await openPostgres(18)
  const client = new pg.Client({ connectionString: await postgres.createDatabase(), pipeline: true })
  await client.connect()
  if (pretend) Object.assign(client, { processID: pretend.pid })
  prepareRepeated(client as unknown as pg.PoolClient)
  await client.query('select 1')
  const kept = async () =>
    (await client.query<Named[0]>(`select name from pg_prepared_statements where statement not like '%pg_prepared%'`))
      .rows.length
  const close = async () => {
    await client.end()
    await postgres.close()
  }
  return { client, kept, close }
}

test('what comes a second time is prepared, once, also when it is asked for twice at once', async () => {
  const { client, kept, close } = await connected()
  await client.query('select $1::int as n', [1])
  expect(await kept()).toBe(0)
  const [a, b] = await Promise.all([2, 3].map((n) => client.query('select $1::int as n', [n])))
  expect([a!.rows, b!.rows]).toEqual([[{ n: 2 }], [{ n: 3 }]])
  expect(await kept()).toBe(1)
  await close()
})

test('what comes once does not keep out what comes again', async () => {
  const { client, kept, close } = await connected()
  for (let n = 0; n < 500; n++) await client.query(`select ${n} + $1::int as n`, [n])
  expect(await kept()).toBe(0)
  for (let n = 0; n < 2; n++) await client.query('select $1::int as n', [n])
  expect(await kept()).toBe(1)
  await close()
})

test('a table may gain a column meanwhile', async () => {
  const { client, kept, close } = await connected()
  await client.query('create table t (a int)')
  for (let n = 0; n < 3; n++) await client.query('insert into t (a) values ($1) returning *', [n])
  await client.query('alter table t add b int')
  expect((await client.query('insert into t (a) values ($1) returning *', [4])).rows).toEqual([{ a: 4, b: null }])
  expect(await kept()).toBe(0)
  await close()
})

test('all columns of a statement in brackets are not what the whole one answers', async () => {
  const { client, kept, close } = await connected()
  await client.query('create table t (a int)')
  const text =
    'with added as (insert into t (a) values ($1) returning *) select a from (select *, 1 as one from added) one'
  for (let n = 0; n < 3; n++) await client.query(text, [n])
  expect(await kept()).toBe(1)
  await client.query('alter table t add b int')
  expect((await client.query(text, [4])).rows).toEqual([{ a: 4 }])
  await close()
})

test('behind a pooler, which tells another process number, nothing is prepared', async () => {
  const { client, kept, close } = await connected({ pid: 1 })
  for (let n = 0; n < 5; n++) await client.query('select $1::int as n', [n])
  expect(await kept()).toBe(0)
  await close()
})

test('a column that changes its type spoils one question, not the connection', async () => {
  const { client, kept, close } = await connected()
  await client.query('create table t (a int)')
  const ask = () => client.query('select a from t where a = $1', [1])
  for (let n = 0; n < 3; n++) await ask()
  await client.query('alter table t alter column a type bigint')
  await expect(ask()).rejects.toMatchObject({ code: '0A000' })
  expect((await ask()).rows).toEqual([])
  expect(await kept()).toBe(2)
  await close()
})

test('without values, one statement is prepared; several, and what begins a transaction, are not', async () => {
  const { client, kept, close } = await connected()
  for (let n = 0; n < 3; n++) {
    await client.query('begin; set local lock_timeout = 1000')
    expect((await client.query('with n as (select 1 as n) select n from n')).rows).toEqual([{ n: 1 }])
    await client.query('commit')
  }
  expect(await kept()).toBe(1)
  await close()
})

test('in a pool of somebody else, which is called back', async () => {
  const postgres = await openPostgres(18)
  const pool = new pg.Pool({
    connectionString: await postgres.createDatabase(),
    max: 1,
    Client: QueueClient,
    pipeline: true,
  })
  const kept = 'select statement from pg_prepared_statements where statement like $1'
  await pool.query('create table t (a int)')
  const ask = () => pool.query('select a from t where a = $1', [1])
  for (let n = 0; n < 3; n++) await ask()
  expect((await pool.query(kept, ['%from t%'])).rows).toHaveLength(1)
  await pool.query('alter table t alter column a type bigint')
  await expect(ask()).rejects.toMatchObject({ code: '0A000' })
  for (let n = 0; n < 2; n++) expect((await ask()).rows).toEqual([])
  await pool.end()
  await postgres.close()
})
