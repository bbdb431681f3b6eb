/** Ticket ids are random: to compress them takes half as long as all else of saving an answer, and saves nothing. */
import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { MigrationContext } from './context.ts'

export const ticketIds = ({ schema }: MigrationContext): Migration => ({
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`alter table ${sql.id(schema, 'deliveries')} alter column ticket_ids set storage external`.execute(db)
  },
})
