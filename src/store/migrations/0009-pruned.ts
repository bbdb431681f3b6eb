/**
 * What goes along with a push token or a user is found by its id. Without, PostgreSQL before 18 read all that a flood had held for each
 * push token that was pruned, and the pruning ended at its time limit, each time.
 */
import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { MigrationContext } from './context.ts'

export const pruned = ({ schema }: MigrationContext): Migration => ({
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`create index held_tokens_token on ${sql.id(schema, 'held_tokens')} (push_token_id)`.execute(db)
    await sql`create index opens_user on ${sql.id(schema, 'opens')} (user_id)`.execute(db)
  },
})
