/** Topics, mutes, what was opened, notifications for later; and the indexes by which people look things up. */
import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { MigrationContext } from './context.ts'

export const notify = ({ schema }: MigrationContext): Migration => ({
  async up(db: Kysely<unknown>): Promise<void> {
    const s = sql.id(schema)
    for (const statement of [...wishes(s), ...books(s), ...lookups(s)]) await statement.execute(db)
  },
})

type Id = ReturnType<typeof sql.id>

function wishes(s: Id) {
  return [
    sql`create table ${s}.subscriptions (
      topic text not null check (length(topic) between 1 and 128),
      user_id text not null references ${s}.users (id) on delete cascade,
      created_at timestamptz not null default ${s}.clock(),
      primary key (topic, user_id))`,
    sql`create index subscriptions_user on ${s}.subscriptions (user_id)`,
    sql`create table ${s}.mutes (
      user_id text not null references ${s}.users (id) on delete cascade,
      kind text not null,
      created_at timestamptz not null default ${s}.clock(),
      primary key (user_id, kind))`,
    sql`create table ${s}.opens (
      notification_id uuid not null, user_id text not null references ${s}.users (id) on delete cascade,
      at timestamptz not null default ${s}.clock(),
      primary key (notification_id, user_id))`,
  ]
}

function books(s: Id) {
  return [
    sql`alter table ${s}.notifications add column send_at timestamptz`,
    // Sums over the deliveries, kept so that a list of notifications does not add them up each time it is looked at.
    sql`create table ${s}.totals (
      notification_id uuid primary key, counts jsonb not null, final boolean not null,
      at timestamptz not null default ${s}.clock())`,
  ]
}

function lookups(s: Id) {
  return [
    sql`create index push_tokens_prefix on ${s}.push_tokens (token text_pattern_ops)`,
    sql`create index users_prefix on ${s}.users (id text_pattern_ops)`,
    sql`create index users_name on ${s}.users (lower(name) text_pattern_ops) where name is not null`,
    sql`create index token_events_from on ${s}.token_events (from_user_id) where from_user_id is not null`,
    sql`create index notifications_open on ${s}.notifications (id) where state in ('queued', 'sending', 'paused')`,
    sql`create index notifications_broadcast on ${s}.notifications (id) where lane = 'broadcast'`,
    sql`create index notifications_users on ${s}.notifications using gin ((audience -> 'users') jsonb_path_ops)
      where lane = 'direct'`,
  ]
}
