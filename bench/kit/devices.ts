/** The audience: devices of a user each, the same push tokens for every contestant. */
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import pg from 'pg'

export const userOf = (n: number): string => `crowd-${n}`
/** As long as a real one. */
export const tokenOf = (n: number): string => `ExponentPushToken[${String(n).padStart(22, '0')}]`

const AT_ONCE = 1_000_000

type Run = (sql: string) => Promise<unknown>

/** Straight into the tables: registering a million over HTTP is a measurement of its own. */
async function insertDevices(run: Run, from: number, to: number): Promise<void> {
  // Users and tokens come from one series, so nothing is gained by looking every reference up.
  await run('set session_replication_role = replica')
  for (let first = from; first <= to; first += AT_ONCE) {
    const series = `generate_series(${first}, ${Math.min(to, first + AT_ONCE - 1)}) n`
    await run(`insert into belfry.users (id) select 'crowd-' || n from ${series}`)
    await run(`insert into belfry.push_tokens (user_id, token, device_type)
      select 'crowd-' || n, 'ExponentPushToken[' || lpad(n::text, 22, '0') || ']',
        case when n % 2 = 0 then 'ios' else 'android' end from ${series}`)
  }
  await run('set session_replication_role = origin')
  await tidy(run)
}

/** As autovacuum would, by the time anybody writes to that many people. */
async function tidy(run: Run): Promise<void> {
  await run('vacuum analyze belfry.users')
  await run('vacuum analyze belfry.push_tokens')
}

export const insertIntoPostgres = (url: string, from: number, to: number): Promise<void> =>
  onPostgres(url, (run) => insertDevices(run, from, to))

export function removeFromPostgres(url: string, from: number, to: number): Promise<void> {
  const users = `select 'crowd-' || n from generate_series(${from}, ${to}) n`
  return onPostgres(url, async (run) => {
    await run(`delete from belfry.push_tokens where user_id in (${users})`)
    await run(`delete from belfry.users where id in (${users})`)
    await tidy(run)
  })
}

async function onPostgres(url: string, work: (run: Run) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await work((sql) => client.query(sql))
  } finally {
    await client.end()
  }
}

/** Only while the program is down: the embedded database has one user. */
export async function insertIntoFolder(folder: string, from: number, to: number): Promise<void> {
  const database = await PGlite.create({ dataDir: join(folder, 'data', 'pgdata') })
  await insertDevices((sql) => database.exec(sql), from, to)
  await database.close()
}
