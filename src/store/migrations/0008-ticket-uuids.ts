/**
 * Expo's ticket ids are UUIDs: as bytes they take less than half the room, and one row beside the delivery instead of three.
 * They are what PostgreSQL moves there, and it does not first try to compress the lists that stay.
 */
import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { MigrationContext } from './context.ts'

export const ticketUuids = ({ schema }: MigrationContext): Migration => ({
  async up(db: Kysely<unknown>): Promise<void> {
    const deliveries = sql.id(schema, 'deliveries')
    await sql`alter table ${deliveries} add column ticket_uuids bytea`.execute(db)
    // Not valid, so that the table is not read: what is there has none of them.
    await sql`alter table ${deliveries} add constraint deliveries_ticket_uuids
      check (octet_length(ticket_uuids) = 16 * recipients) not valid`.execute(db)
    await sql`alter table ${deliveries} alter column ticket_uuids set storage external,
      alter column token_ids set storage external, alter column results set storage external`.execute(db)
  },
})
