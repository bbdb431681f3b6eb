/**
 * A delivery is written three times: planned, begun, settled. With room on its page, PostgreSQL writes it there again and leaves both
 * indexes alone; without, two thirds of what was written went into them. Room that is left over serves later deliveries.
 */
import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { MigrationContext } from './context.ts'

export const room = ({ schema }: MigrationContext): Migration => ({
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`alter table ${sql.id(schema, 'deliveries')} set (fillfactor = 50)`.execute(db)
  },
})
