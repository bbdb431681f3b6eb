/**
 * Which program may run on which database. In a rolling upgrade both versions are at work, and one of the older may die
 * and be started again: it comes up on the newer database as long as that says that it may.
 */
import { type Kysely, sql } from 'kysely'
import type { Tables } from '../schema/tables.ts'

/**
 * The last migration that a program must know to run on what this version makes of the database. It stays as it is while
 * migrations only add. One that takes something away raises it to the migration of the version that stopped using that, and one
 * whose version writes what older ones cannot read, to itself.
 */
export const OLDEST_THAT_MAY_RUN = '0008_ticket_uuids'

/** The database was written by a newer version of the program; running this one on it could destroy what it holds. */
export class NewerDatabase extends Error {
  constructor(unknownMigration: string) {
    super(
      `This database was written by a newer version of Belfry (it has the migration ${unknownMigration}, ` +
        'which this version does not know, nor may it run beside it). Start the newer version, or restore a backup.',
    )
  }
}

/** @returns the migrations that the database has had, of whichever version. */
export async function madeMigrations(kysely: Kysely<Tables>, schema: string): Promise<string[]> {
  if (!(await isThere(kysely, schema, 'migrations'))) return []
  return column(kysely, sql`select name from ${sql.id(schema, 'migrations')} order by name`)
}

/** @returns a migration that only a newer version knows, when this one may run beside it. Throws NewerDatabase when not. */
export async function newerMigration(
  kysely: Kysely<Tables>,
  schema: string,
  made: readonly string[],
  ours: readonly string[],
): Promise<string | undefined> {
  const unknown = made.find((name) => !ours.includes(name))
  if (unknown === undefined) return undefined
  const newest = ours.toSorted().at(-1)!
  const marks = (await isThere(kysely, schema, 'compatibility'))
    ? await column(kysely, sql`select oldest as name from ${sql.id(schema, 'compatibility')}`)
    : []
  const isMarkedForUs = marks.length > 0 && marks.every((oldest) => oldest <= newest)
  if (!isMarkedForUs || !ours.every((name) => made.includes(name))) throw new NewerDatabase(unknown)
  return unknown
}

/** Before the first migration of this version, so that no moment has the one without the other. It never goes back. */
export async function markOldest(kysely: Kysely<Tables>, schema: string): Promise<void> {
  const table = sql.id(schema, 'compatibility')
  await kysely.transaction().execute(async (tx) => {
    // "if not exists" is not safe for two at once.
    await sql`select pg_advisory_xact_lock(hashtext(${`${schema}.compatibility`}))`.execute(tx)
    await sql`create schema if not exists ${sql.id(schema)}`.execute(tx)
    await sql`create table if not exists ${table} (
      single boolean primary key default true check (single), oldest text not null)`.execute(tx)
    await sql`insert into ${table} as mark (oldest) values (${OLDEST_THAT_MAY_RUN})
      on conflict (single) do update set oldest = excluded.oldest where mark.oldest < excluded.oldest`.execute(tx)
  })
}

async function isThere(kysely: Kysely<Tables>, schema: string, table: string): Promise<boolean> {
  const { rows } = await sql<{ there: boolean }>`
    select to_regclass(${`"${schema}"."${table}"`}) is not null as there`.execute(kysely)
  return rows[0]?.there ?? false
}

async function column(kysely: Kysely<Tables>, query: ReturnType<typeof sql<{ name: string }>>): Promise<string[]> {
  const { rows } = await query.execute(kysely)
  return rows.map((row) => row.name)
}
