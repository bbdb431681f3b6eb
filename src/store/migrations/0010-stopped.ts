/** Few notifications are cancelled or expire. Without, who looked for them read all that there are, and was told that the database is away. */
import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { MigrationContext } from './context.ts'

export const stopped = ({ schema }: MigrationContext): Migration => ({
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`create index notifications_stopped on ${sql.id(schema, 'notifications')} (id)
      where state in ('cancelled', 'expired')`.execute(db)
  },
})
