/**
 * A connection over which a statement takes as long as it takes: a migration of a large table, cut for that, would be cut at each start. Only
 * a server that is gone ends it: the system itself asks a silent one whether it is there.
 */
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import type { Tables } from '../schema/tables.ts'
import { CONNECT_TIMEOUT_MS, setUp } from './session.ts'

/** By itself Linux asks for the first time after two hours. */
const KEEP_ALIVE_MS = 10_000
/** Those that an administrator may have set; PostgreSQL 14 knows the first only. */
const NO_LIMITS = `
  select set_config(name, '0', false) from pg_settings where name in ('statement_timeout', 'transaction_timeout')`

export type Patiently = <T>(work: (kysely: Kysely<Tables>) => Promise<T>) => Promise<T>

export function patientlyAt(url: string): Patiently {
  return async (work) => {
    const pool = new pg.Pool({
      connectionString: url,
      application_name: 'belfry-migrate',
      max: 1,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
      pipeline: true,
    })
    pool.on('error', () => undefined)
    pool.on('connect', (client) => {
      client.on('error', () => undefined)
      setUp(client)
      client.query(NO_LIMITS).catch(() => undefined)
    })
    const kysely = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
    try {
      return await work(kysely)
    } finally {
      await kysely.destroy()
    }
  }
}
