import { sql } from 'kysely'
import { isLocked } from '../database/away.ts'
import type { Db } from '../database/db.ts'
import { CannotMove } from './fault.ts'

/** Less than a connection waits for an answer. */
const LOCK_TIMEOUT = '5s'
/** Those that an administrator may have set; PostgreSQL 14 does not know all of them. */
const UNLIMITED = ['statement_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout']

/**
 * In a transaction that may last, beside which nobody writes to our tables; who reads sees none of it yet. What an earlier transaction
 * has left there has come, or never will: one whose client has gone may still be about to end.
 */
export async function alone<T>(to: Db, work: (tx: Db) => Promise<T>): Promise<T> {
  return to.transaction(async (tx) => {
    await tx.rows(sql`
      select set_config(name, case name when 'lock_timeout' then ${LOCK_TIMEOUT} else '0' end, true)
      from pg_settings where name = any(${['lock_timeout', ...UNLIMITED]}::text[])`)
    await sql`lock table ${sql.join(Object.values(tx.t))} in exclusive mode`
      .execute(tx.kysely)
      .catch((error: unknown) => {
        throw isLocked(error) ? new CannotMove(HELD) : error
      })
    return work(tx)
  })
}

const HELD =
  "Somebody else works on Belfry's tables in PostgreSQL: a second move, or what is left there of an interrupted one. Try again in a minute."
