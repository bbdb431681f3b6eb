/** Whether anybody has shown a key's new secret: one that nobody has, because its answer was lost, may go before the one that is in use. */
import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { MigrationContext } from './context.ts'

export const shown = ({ schema }: MigrationContext): Migration => ({
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`alter table ${sql.id(schema, 'server_keys')} add column is_shown boolean not null default true`.execute(
      db,
    )
  },
})
