/**
 * Who is erased takes their posts and messages along. Without, PostgreSQL read all that anybody had ever written for it, three times, and
 * from some twenty millions on it ended at its time limit, each time: nobody could be erased.
 */
import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { MigrationContext } from './context.ts'

export const authors = ({ schema }: MigrationContext): Migration => ({
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`create index posts_user on ${sql.id(schema, 'posts')} (user_id)`.execute(db)
    await sql`create index messages_sender on ${sql.id(schema, 'messages')} (sender_id)`.execute(db)
    await sql`create index messages_receiver on ${sql.id(schema, 'messages')} (receiver_id)`.execute(db)
  },
})
