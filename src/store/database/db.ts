/**
 * A handle on the database: the pool, or one open transaction. Everything in store takes one as its first argument,
 * so that whole operations compose into one transaction.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Enqueue } from '../schema/jobs.ts'
import { TABLE_NAMES, type TableName, type Tables } from '../schema/tables.ts'
import { isCollision } from './away.ts'

export interface Db {
  kysely: Kysely<Tables>
  /** Table names with their schema, for statements written as SQL. */
  t: Record<TableName, RawBuilder<unknown>>
  /** The database's clock. Our SQL never says `now()`: in tests both this and the queue's clock can be moved. */
  now: RawBuilder<Date>
  /** On a handle that is a transaction already, `work` runs inside it. After a deadlock it is run again. */
  transaction<T>(work: (tx: Db) => Promise<T>): Promise<T>
  /** A statement on its own is a transaction on its own. */
  rows<T>(query: RawBuilder<T>): Promise<T[]>
  /** Adds work to a queue; inside a transaction it is there if and only if the transaction commits. */
  enqueue: Enqueue
}

/** Set while one of our transactions is open in this asynchronous context. */
const inTransaction = new AsyncLocalStorage<true>()

/**
 * The embedded database has one connection: whoever asks for it a second time, while a transaction of ours holds it, would wait for
 * ever. What must not be called inside a transaction calls this first, and throws instead.
 */
export function assertOutsideTransaction(what: string): void {
  if (inTransaction.getStore()) throw new Error(`${what} was called inside a transaction on the only connection`)
}

/** Runs `work` in a transaction of its own. */
export type Begin = <T>(work: (kysely: Kysely<Tables>) => Promise<T>) => Promise<T>

/** @param enqueueOn gives the enqueue function for the connection or transaction that the handle stands for. */
export function makeDb(
  kysely: Kysely<Tables>,
  schema: string,
  enqueueOn: (kysely: Kysely<Tables>) => Enqueue,
  begin: Begin | 'begun' = (work) => kysely.transaction().execute(work),
): Db {
  const t = Object.fromEntries(TABLE_NAMES.map((name) => [name, sql.id(schema, name)])) as Db['t']
  const db: Db = {
    kysely,
    t,
    now: sql`${sql.id(schema, 'clock')}()`,
    transaction: (work) => {
      if (begin === 'begun') return work(db)
      const once = () => begin((trx) => work(makeDb(trx, schema, enqueueOn, 'begun')))
      return inTransaction.run(true, () => retryCollisions(once))
    },
    rows: async (query) => {
      const once = async () => (await query.execute(kysely)).rows
      return begin === 'begun' ? once() : retryCollisions(once)
    },
    enqueue: enqueueOn(kysely),
  }
  return db
}

export async function timeNow(db: Db): Promise<Date> {
  const [row] = await db.rows<{ now: Date }>(sql`select ${db.now} as now`)
  return row!.now
}

/**
 * Hides a value from PostgreSQL's planner. A plan for known values, of how many ids, or how far from one to another, looks cheaper
 * than one for any values: so it would plan each time anew, which costs a fifth of running the statement. Only where there are
 * always few: not knowing, it assumes ten ids, and a two-hundredth of the table between two values.
 */
export const unseen = (value: RawBuilder<unknown>): RawBuilder<unknown> => sql`(select ${value})`

/** Behind everything that begins with the same text. */
const LAST_CHARACTER = '\u{10ffff}'

/** By the byte, so that an index with `text_pattern_ops` serves, whatever the text has of `%` and `_`. */
export const beginsWith = (column: RawBuilder<unknown>, text: string): RawBuilder<boolean> =>
  sql`${column} ~>=~ ${text} and ${column} ~<~ ${text + LAST_CHARACTER}`

const MOST_COLLISIONS = 5

async function retryCollisions<T>(run: () => Promise<T>): Promise<T> {
  for (let collisions = 1; ; collisions++) {
    try {
      return await run()
    } catch (error) {
      if (!isCollision(error) || collisions > MOST_COLLISIONS) throw error
    }
  }
}
