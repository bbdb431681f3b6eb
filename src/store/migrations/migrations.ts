/** Numbered, forward only, one transaction each; `migrateUp` in a loop, because `migrateToLatest` runs all in one. */
import { setTimeout } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { failpoint } from '../../domain/failpoint.ts'
import type { Emit } from '../../ports.ts'
import { DatabaseLocked, isLocked } from '../database/away.ts'
import type { Patiently } from '../database/patient.ts'
import type { Tables } from '../schema/tables.ts'
import { first } from './0001-first.ts'
import { notify } from './0002-notify.ts'
import { serverKeys } from './0003-server-keys.ts'
import { audit } from './0004-audit.ts'
import { source } from './0005-source.ts'
import { ticketIds } from './0006-ticket-ids.ts'
import { room } from './0007-room.ts'
import { ticketUuids } from './0008-ticket-uuids.ts'
import { pruned } from './0009-pruned.ts'
import { stopped } from './0010-stopped.ts'
import { authors } from './0011-authors.ts'
import { shown } from './0012-shown.ts'
import { madeMigrations, markOldest, newerMigration } from './compatibility.ts'
import type { MigrationContext } from './context.ts'

const migrations: Record<string, (context: MigrationContext) => Migration> = {
  '0001_first': first,
  '0002_notify': notify,
  '0003_server_keys': serverKeys,
  '0004_audit': audit,
  '0005_source': source,
  '0006_ticket_ids': ticketIds,
  '0007_room': room,
  '0008_ticket_uuids': ticketUuids,
  '0009_pruned': pruned,
  '0010_stopped': stopped,
  '0011_authors': authors,
  '0012_shown': shown,
}

/**
 * Whoever comes after a migration that waits for a table waits with it: so it waits a moment, and tries again later. What holds
 * a table for long is a backup.
 */
const LOCK_TIMEOUT = sql.lit('2s')
const TRIES = 10
const TRY_AGAIN_MS = 3_000

export const ourMigrations: readonly string[] = Object.keys(migrations)
export const newestMigration: string = ourMigrations.at(-1)!

/** How often it is told what takes so long. */
const TELL_MS = 10_000

/**
 * On a database that a newer version has made, and that this one may still run on, nothing is left to do.
 * @param patiently gives the connection that migrations run on.
 */
export async function migrate(
  kysely: Kysely<Tables>,
  context: MigrationContext,
  emit: Emit,
  patiently: Patiently = (work) => work(kysely),
  tellMs = TELL_MS,
): Promise<void> {
  const made = await madeMigrations(kysely, context.schema)
  const newer = await newerMigration(kysely, context.schema, made, ourMigrations)
  if (newer !== undefined) return emit('database.newer', { migration: newer })
  await markOldest(kysely, context.schema)
  if (ourMigrations.every((name) => made.includes(name))) return
  let last: string | undefined
  let since = performance.now()
  const telling = setInterval(() => {
    const seconds = Math.round((performance.now() - since) / 1_000)
    if (last === undefined) emit('migration.awaited', { seconds })
    else emit('migration.running', { migration: last, seconds })
  }, tellMs)
  const begins = (migration: string) => {
    last = migration
    since = performance.now()
  }
  try {
    await patiently((own) => migrateAll(own, context, begins))
  } finally {
    clearInterval(telling)
  }
}

/** @param begins is told which migration does. */
async function migrateAll(
  kysely: Kysely<Tables>,
  context: MigrationContext,
  begins: (migration: string) => void,
): Promise<void> {
  const patient = (name: string, migration: Migration): Migration => ({
    async up(db) {
      begins(name)
      await sql`set local lock_timeout = ${LOCK_TIMEOUT}`.execute(db)
      await migration.up(db)
    },
  })
  const migrator = new Migrator({
    db: kysely,
    provider: {
      getMigrations: async () =>
        Object.fromEntries(Object.entries(migrations).map(([name, make]) => [name, patient(name, make(context))])),
    },
    migrationTableSchema: context.schema,
    migrationTableName: 'migrations',
    migrationLockTableName: 'migrations_lock',
  })
  for (let tries = 1; ; ) {
    const { error, results } = await migrator.migrateUp()
    if (isLocked(error)) {
      if (tries === TRIES) throw new DatabaseLocked()
      tries += 1
      await setTimeout(TRY_AGAIN_MS)
      continue
    }
    if (error !== undefined) throw error
    if (results === undefined || results.length === 0) return
    await failpoint('mid_migration')
  }
}
