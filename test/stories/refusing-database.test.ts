/** PostgreSQL that answers and takes nothing, just when Expo has taken a message: it rings once all the same. */
import pg from 'pg'
import { expect, test } from 'vitest'
import { sharedPostgres } from '../kit/global-setup.ts'
import { until } from '../kit/guard.ts'
import { query } from '../kit/postgres.ts'
import { openWorld, type World } from '../kit/world.ts'

/** Long enough for the database to refuse before Expo answers. */
const EXPO_TAKES_MS = 3_000

/** @param alter is run on a connection to another database, with the name of the world's. */
async function ringsOnce(
  alter: (set: (setting: string) => Promise<void>, url: string, world: World, phase: Phase) => Promise<void>,
): Promise<void> {
  const postgres = await sharedPostgres(18)
  const url = await postgres.createDatabase()
  const name = new URL(url).pathname.slice(1)
  const elsewhere = (text: string) => query(url.replace(/\/[^/]*$/, '/postgres'), text)
  const set = async (setting: string) => {
    await elsewhere(`alter database ${name} set ${setting}`)
    await elsewhere(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`)
  }
  const world = await openWorld({ database: 'postgres', databaseUrl: url, fake: { latencyMs: EXPO_TAKES_MS } })
  try {
    const [ana, ben] = [world.user('ana'), world.user('ben')]
    const phone = await ben.register()
    const { body } = await ana.message(ben, 'hello')
    const refused = (why: string) => world.server.untilLogged(`The database connection met an error: ${why}`)
    await until('the request', async () => (await world.expo.pulse()).inFlight > 0)
    await alter(set, url, world, refused)
    await until('it to be ready', async () => (await world.call('GET', '/readyz')).status === 200)
    await world.drain()
    expect(await world.expo.counts(body.notification_id)).toEqual({ [phone]: 1 })
  } finally {
    await world.close()
  }
}

/** Resolves when an answer could not be saved. */
type Phase = (why: string) => Promise<unknown>

test.concurrent('read-only, as a standby or behind a full disk', () =>
  ringsOnce(async (set, _url, world, refused) => {
    await set('default_transaction_read_only = on')
    await refused('cannot execute UPDATE in a read-only transaction')
    expect((await world.user('ana').message(world.user('ben'), 'meanwhile')).status).toBe(503)
    expect((await world.call('GET', '/readyz')).status).toBe(503)
    await set('default_transaction_read_only = off')
  }))

test.concurrent('a statement_timeout, while somebody holds the ledger', () =>
  ringsOnce(async (set, url, _world, refused) => {
    const backup = new pg.Client({ connectionString: url })
    await set("statement_timeout = '300ms'")
    await backup.connect()
    await backup.query('set statement_timeout = 0')
    await backup.query('begin; lock table belfry.deliveries in share mode')
    await refused('canceling statement due to statement timeout')
    await backup.end()
  }))
