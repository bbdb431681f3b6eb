/** Numbered, forward only, one transaction each; `migrateUp` in a loop, because `migrateToLatest` runs all in one. */
import { failpoint } from '../domain/failpoint.ts'
import { type Kysely, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { first } from './migrations/0001-first.ts'
import { notify } from './migrations/0002-notify.ts'
import type { Tables } from './tables.ts'

/** `schema` is ours; `queueSchema` is pg-boss's, and is there before any of these run. */
export interface MigrationContext {
  schema: string
  queueSchema: string
}

const migrations: Record<string, (context: MigrationContext) => Migration> = {
  '0001_first': first,
  '0002_notify': notify,
}

/** The database was written by a newer version of the program; running this one on it could destroy what it holds. */
export class NewerDatabase extends Error {
  constructor(unknownMigration: string) {
    super(
      `This database was written by a newer version of Belfry (it has the migration ${unknownMigration}, ` +
        'which this version does not know). Start the newer version, or restore a backup.',
    )
  }
}

export async function migrate(kysely: Kysely<Tables>, context: MigrationContext): Promise<void> {
  await sql`create schema if not exists ${sql.id(context.schema)}`.execute(kysely)
  await refuseNewer(kysely, context.schema)
  const migrator = new Migrator({
    db: kysely,
    provider: {
      getMigrations: async () =>
        Object.fromEntries(Object.entries(migrations).map(([name, make]) => [name, make(context)])),
    },
    migrationTableSchema: context.schema,
    migrationTableName: 'migrations',
    migrationLockTableName: 'migrations_lock',
  })
  for (;;) {
    const { error, results } = await migrator.migrateUp()
    if (error !== undefined) throw error
    if (results === undefined || results.length === 0) return
    await failpoint('mid_migration')
  }
}

async function refuseNewer(kysely: Kysely<Tables>, schema: string): Promise<void> {
  const { rows: tables } = await sql<{ there: boolean }>`
    select to_regclass(${`"${schema}".migrations`}) is not null as there`.execute(kysely)
  if (!tables[0]?.there) return
  const { rows } = await sql<{ name: string }>`select name from ${sql.id(schema, 'migrations')}`.execute(kysely)
  const unknown = rows.find((row) => !Object.hasOwn(migrations, row.name))
  if (unknown) throw new NewerDatabase(unknown.name)
}
