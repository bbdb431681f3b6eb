/**
 * Transactions on PostgreSQL whose statements need not wait for one another: what is asked for at once travels at once,
 * one round trip for all of it. Kysely's own run one statement after the other.
 */
import { Kysely, PostgresDialect } from 'kysely'
import type { Pool, PoolClient } from 'pg'
import type { Tables } from '../schema/tables.ts'
import type { Begin } from './db.ts'

/** @param pool with `pipeline` on. */
export function pipelined(pool: Pool, schema: string): Begin {
  const known = new WeakMap<PoolClient, Kysely<Tables>>()
  const kyselyOn = (client: PoolClient): Kysely<Tables> => {
    const kysely = known.get(client) ?? new Kysely<Tables>({ dialect: dialectOn(client) }).withSchema(schema)
    known.set(client, kysely)
    return kysely
  }
  return async (work) => {
    const client = await pool.connect()
    let isLost = false
    try {
      const begun = client.query('begin')
      const [, result] = await Promise.all([begun, work(kyselyOn(client))])
      const { command } = await client.query('commit')
      if (command !== 'COMMIT') throw new Error('a statement of the transaction failed, and nobody waited for it')
      return result
    } catch (error) {
      await client.query('rollback').catch(() => (isLost = true))
      throw error
    } finally {
      client.release(isLost)
    }
  }
}

/** A pool of this one connection, which is not given back between statements. */
function dialectOn(client: PoolClient): PostgresDialect {
  const one = { query: client.query.bind(client), release: () => undefined }
  return new PostgresDialect({ pool: { connect: async () => one, end: async () => undefined } as never })
}
