/** A table, a stretch at a time: no statement runs into the time limit or holds anybody up, however large it is. */
import { type RawBuilder, sql } from 'kysely'
import type { Db } from './db.ts'

/** What is true for the rows of one stretch. */
export type Stretch = RawBuilder<boolean>

/**
 * By the primary key `id`. The last stretch has no end: what comes meanwhile is in it.
 * @param of only these rows.
 */
export async function* stretches(
  db: Db,
  table: RawBuilder<unknown>,
  { length = 5_000, of = sql`true` }: { length?: number; of?: RawBuilder<boolean> } = {},
): AsyncGenerator<Stretch> {
  for (let rest: Stretch = of; ; ) {
    const [end] = await db.rows<{ id: string | number }>(sql`
      select id from ${table} where ${rest} order by id offset ${length - 1}::int limit 1`)
    if (end === undefined) return yield rest
    yield sql`${rest} and id <= ${end.id}`
    rest = sql`${of} and id > ${end.id}`
  }
}
