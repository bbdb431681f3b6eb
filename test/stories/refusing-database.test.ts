/** PostgreSQL that answers and takes nothing, just when Expo has taken a message: it rings once all the same. */
import pg from 'pg'
import { expect, test } from 'vitest'
import { sharedPostgres } from '../kit/global-setup.ts'
import { until } from '../kit/guard.ts'
import { query } from '../kit/postgres.ts'
import { openWorld, type World } from '../kit/world.ts'

/** Long enough for the database to refuse before Expo answers, on a slow machine too. */
const EXPO_TAKES_MS = 10_000

type Alter = (set: (setting: string) => Promise<void>, url: string, world: World, phase: Phase) => Promise<void>

/** @param alters each is run while a message of its own is at Expo. */
async function ringsOnce(...alters: Alter[]): Promise<void> {
  const postgres = await sharedPostgres(18)
  const url = await postgres.createDatabase()
  const name = new URL(url).pathname.slice(1)
  const elsewhere = (text: string) => query(url.replace(/\/[^/]*$/, '/postgres'), text)
  const set = async (setting: string) => {
    await elsewhere(`alter database ${name} set ${setting}`)
    await elsewhere(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}' and application_name like 'belfry%'`,
    )
  }
  const world = await openWorld({ database: 'postgres', databaseUrl: url, fake: { latencyMs: EXPO_TAKES_MS } })
  try {
    const [ana, ben] = [world.user('ana'), world.user('ben')]
    const phone = await ben.register()
    const refused = (why: string) => world.server.untilLogged(`The database connection met an error: ${why}`)
    for (const alter of alters) {
      const { body } = await ana.message(ben, 'hello')
      await until('the request', async () => (await world.expo.pulse()).inFlight > 0)
      await alter(set, url, world, refused)
      await until('it to be ready', async () => (await world.call('GET', '/readyz')).status === 200)
      await world.drain()
      expect(await world.expo.counts(body.notification_id)).toEqual({ [phone]: 1 })
    }
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

const LIMITS = [
  ["statement_timeout = '1s'", 'canceling statement due to statement timeout'],
  ["lock_timeout = '1s'", 'canceling statement due to lock timeout'],
  ["transaction_timeout = '1s'", 'terminating connection due to transaction timeout'],
] as const

test.concurrent('a limit of time for statements, locks or transactions, while somebody holds the ledger', () =>
  ringsOnce(
    ...LIMITS.map(
      ([limit, why]): Alter =>
        async (set, url, _world, refused) => {
          const backup = new pg.Client({ connectionString: url })
          await backup.connect()
          await backup.query('begin; lock table belfry.deliveries in share mode')
          await set(limit)
          await refused(why)
          await backup.end()
          await set(limit.replace('1s', '0'))
        },
    ),
  ))
