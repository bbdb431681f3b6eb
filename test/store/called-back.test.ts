/** What `pg` is asked for by promise: its answers, its errors, and a connection that answers no more. */
import pg from 'pg'
import { expect, test } from 'vitest'
import { isDatabaseAway } from '../../src/store/database/away.ts'
import { callBack } from '../../src/store/database/called-back.ts'
import { setUp } from '../../src/store/database/session.ts'
import { until } from '../kit/guard.ts'
import { openPostgres } from '../kit/postgres.ts'

async function openPool(timeoutMs: number) {
  const postgres = await openPostgres(18)
  const pool = new pg.Pool({ connectionString: await postgres.createDatabase(), max: 1, pipeline: true })
  pool.on('error', () => undefined)
  pool.on('connect', (client) => {
    client.on('error', () => undefined)
    callBack(client, timeoutMs)
    setUp(client)
  })
  const close = async () => {
    await pool.end()
    await postgres.close()
  }
  return { pool, close }
}

test('answers and errors come as from pg itself, by promise and by callback', async () => {
  const { pool, close } = await openPool(10_000)
  const client = await pool.connect()
  expect((await client.query('select $1::int as n', [1])).rows).toEqual([{ n: 1 }])
  expect((await client.query({ name: 'a', text: 'select $1::int as n', values: [2] })).rows).toEqual([{ n: 2 }])
  expect(await client.query('select 3 as n; select 4 as n')).toMatchObject([{ rows: [{ n: 3 }] }, { rows: [{ n: 4 }] }])
  async function theOneWhoAsks() {
    await client.query('select no_such_column')
  }
  const error = (await theOneWhoAsks().catch((thrown: unknown) => thrown)) as Error
  expect(error).toMatchObject({ code: '42703' })
  expect(error.stack).toContain('theOneWhoAsks')
  client.release()
  // The pool itself calls back.
  expect((await pool.query('select 5 as n')).rows).toEqual([{ n: 5 }])
  await close()
})

test('a connection that does not answer in time is given up, with all that was asked over it', async () => {
  // Enough for the last statement, whatever else this machine does.
  const { pool, close } = await openPool(3_000)
  const client = await pool.connect()
  const asked = ['select pg_sleep(30)', 'select 1'].map((text) => client.query(text))
  for (const one of await Promise.allSettled(asked)) {
    expect(one).toMatchObject({ status: 'rejected', reason: { message: 'Query read timeout' } })
    expect(isDatabaseAway((one as PromiseRejectedResult).reason)).toBe(true)
  }
  await expect(client.query('select 1')).rejects.toSatisfy(isDatabaseAway)
  client.release()
  // The pool has made another.
  expect((await pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
  await close()
})

test('a connection to a database that can only be read from is given up: a new one may find another', async () => {
  const { pool, close } = await openPool(10_000)
  await pool.query('create table t (a int)')
  const client = await pool.connect()
  await client.query('set session characteristics as transaction read only')
  const written = client.query('insert into t values (1)')
  await expect(written).rejects.toSatisfy(isDatabaseAway)
  await expect(client.query('select 1')).rejects.toSatisfy(isDatabaseAway)
  client.release()
  await pool.query('insert into t values (2)')
  expect((await pool.query('select a from t')).rows).toEqual([{ a: 2 }])
  await close()
})

test('what was asked over a connection that was given up does not go on at the server', async () => {
  const { pool, close } = await openPool(1_000)
  await expect(pool.query('select pg_sleep(3600) as given_up')).rejects.toThrow('Query read timeout')
  await until('the server to give it up, too', async () => {
    const goingOn = "select 1 from pg_stat_activity where query like '%as given_up' and pid <> pg_backend_pid()"
    return (await pool.query(goingOn).catch(() => undefined))?.rows.length === 0
  })
  await close()
}, 90_000)
