/** When a push token that comes from another database was last written there: what is older must not undo it. */
import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { MigrationContext } from './context.ts'

export const source = ({ schema }: MigrationContext): Migration => ({
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`alter table ${sql.id(schema, 'push_tokens')} add column source_at timestamptz`.execute(db)
  },
})
