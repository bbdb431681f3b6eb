/** Keys of other backends: what they may do, and the hashes by which they are known. */
import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { MigrationContext } from './context.ts'

export const serverKeys = ({ schema }: MigrationContext): Migration => ({
  async up(db: Kysely<unknown>): Promise<void> {
    const s = sql.id(schema)
    for (const statement of [
      sql`create table ${s}.server_keys (
        id uuid primary key,
        name text not null check (length(name) between 1 and 100),
        prefix text not null check (length(prefix) <= 8),
        hash bytea not null unique check (length(hash) = 32),
        old_hash bytea unique check (length(old_hash) = 32), old_until timestamptz,
        scopes text[] not null check (cardinality(scopes) > 0 and scopes <@ array['send', 'users', 'read']),
        created_at timestamptz not null default ${s}.clock(),
        last_used_at timestamptz, expires_at timestamptz, revoked_at timestamptz,
        check ((old_hash is null) = (old_until is null)))`,
    ])
      await statement.execute(db)
  },
})
