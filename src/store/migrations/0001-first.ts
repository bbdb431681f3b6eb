/** Everything the main job needs: people, devices, posts and messages, notifications and their ledger. */
import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { MigrationContext } from './context.ts'

export const first = ({ schema, queueSchema }: MigrationContext): Migration => ({
  async up(db: Kysely<unknown>): Promise<void> {
    const s = sql.id(schema)
    for (const statement of [clock(s, sql.id(queueSchema)), ...people(s), ...said(s), ...ledger(s), ...guards(s)]) {
      await statement.execute(db)
    }
  },
})

type Id = ReturnType<typeof sql.id>

function clock(s: Id, queue: Id) {
  return sql`create function ${s}.clock() returns timestamptz language sql stable as ${sql.raw("'")}select ${queue}.job_now()${sql.raw("'")}`
}

function people(s: Id) {
  return [
    sql`create table ${s}.users (
      id text primary key check (length(id) between 1 and 128),
      name text,
      created_at timestamptz not null default ${s}.clock(),
      updated_at timestamptz not null default ${s}.clock())`,
    sql`create table ${s}.push_tokens (
      id bigint generated always as identity primary key,
      user_id text not null references ${s}.users (id) on delete cascade,
      token text not null unique check (length(token) <= 255),
      device_type text check (device_type in ('ios', 'android')),
      installation_id text, project text, locale text, time_zone text, app_version text,
      active boolean not null default true,
      inactive_reason text, inactive_at timestamptz,
      created_at timestamptz not null default ${s}.clock(),
      updated_at timestamptz not null default ${s}.clock(),
      check (active = (inactive_reason is null) and active = (inactive_at is null)))`,
    sql`create index push_tokens_user on ${s}.push_tokens (user_id)`,
    // In an audience: who is active, and who is suspended, to be counted as skipped and, now and then, to be probed.
    sql`create index push_tokens_walk on ${s}.push_tokens (id)
      where inactive_reason is null or inactive_reason = 'InvalidCredentials'`,
    sql`create index push_tokens_inactive on ${s}.push_tokens (inactive_at) where inactive_at is not null`,
    sql`create index push_tokens_installation on ${s}.push_tokens (user_id, installation_id)
      where installation_id is not null`,
    sql`create table ${s}.token_events (
      id bigint generated always as identity primary key,
      push_token_id bigint not null,
      at timestamptz not null default ${s}.clock(),
      kind text not null,
      user_id text, from_user_id text, detail text)`,
    sql`create index token_events_age on ${s}.token_events (at)`,
    sql`create index token_events_token on ${s}.token_events (push_token_id, at)`,
    sql`create table ${s}.idempotency (
      caller text not null, key text not null, body_hash text not null, answer json,
      created_at timestamptz not null default ${s}.clock(),
      primary key (caller, key))`,
    sql`create index idempotency_age on ${s}.idempotency (created_at)`,
  ]
}

function said(s: Id) {
  return [
    sql`create table ${s}.posts (
      id uuid primary key, user_id text not null references ${s}.users (id) on delete cascade,
      title text not null, text_content text not null, content_type text not null,
      created_at timestamptz not null default ${s}.clock())`,
    sql`create table ${s}.messages (
      id uuid primary key,
      sender_id text not null references ${s}.users (id) on delete cascade,
      receiver_id text not null references ${s}.users (id) on delete cascade,
      message_type text not null, content text not null,
      created_at timestamptz not null default ${s}.clock())`,
    sql`create table ${s}.notifications (
      id uuid primary key, kind text not null,
      lane text not null check (lane in ('direct', 'broadcast')),
      audience jsonb not null, content jsonb not null,
      created_by text,
      created_at timestamptz not null default ${s}.clock(),
      expires_at timestamptz not null,
      on_unknown text not null default 'repeat' check (on_unknown in ('repeat', 'drop')),
      state text not null default 'queued'
        check (state in ('queued', 'sending', 'paused', 'finished', 'cancelled', 'expired')),
      skip_reason text, postponed text,
      max_token_id bigint not null default 0, cursor bigint not null default 0, page int not null default 0,
      fan_out_done boolean not null default false,
      chunks int not null default 0, chunks_done int not null default 0,
      estimated bigint, paused_at timestamptz, finished_at timestamptz,
      check (chunks_done <= chunks))`,
    sql`create index notifications_finished on ${s}.notifications (finished_at) where finished_at is not null`,
  ]
}

function ledger(s: Id) {
  return [
    // What hardly ever changes comes first: of a row that is written again on its page, PostgreSQL logs what follows the first change.
    sql`create table ${s}.deliveries (
      id bigint generated always as identity primary key,
      notification_id uuid not null, chunk bigint not null, part int,
      project text, recipients smallint not null, token_ids bigint[] not null,
      late boolean not null default false, skip_reason text,
      state smallint not null default 0 check (state between 0 and 2),
      attempt int not null default 0, ambiguous smallint not null default 0, deaths smallint not null default 0,
      results smallint[], ticket_ids text[],
      accepted smallint not null default 0, handed_over smallint not null default 0,
      failed smallint not null default 0, no_receipt smallint not null default 0,
      refused smallint not null default 0, skipped smallint not null default 0,
      expired smallint not null default 0, cancelled smallint not null default 0, unknown smallint not null default 0,
      sent_at timestamptz, settled_at timestamptz,
      check (recipients = cardinality(token_ids) and recipients > 0),
      check (state <> 2 or recipients = accepted + refused + skipped + expired + cancelled + unknown),
      check (accepted >= handed_over + failed + no_receipt))`,
    sql`create unique index deliveries_part on ${s}.deliveries (notification_id, chunk, part)`,
    sql`create table ${s}.refusals (
      id bigint generated always as identity primary key,
      notification_id uuid not null, delivery_id bigint not null, push_token_id bigint not null,
      stage text not null check (stage in ('ticket', 'receipt', 'request')),
      code text, message text not null,
      at timestamptz not null default ${s}.clock())`,
    sql`create unique index refusals_once on ${s}.refusals (delivery_id, push_token_id, stage)`,
    sql`create index refusals_notification on ${s}.refusals (notification_id)`,
    sql`create index refusals_token on ${s}.refusals (push_token_id)`,
    sql`create table ${s}.parked (
      id bigint generated always as identity primary key,
      notification_id uuid not null, queue text not null, data jsonb not null,
      parked_at timestamptz not null default ${s}.clock())`,
    sql`create index parked_notification on ${s}.parked (notification_id)`,
    sql`create table ${s}.pace (
      project text primary key,
      recent_at timestamptz[] not null default '{}', recent_n int[] not null default '{}',
      next_at timestamptz not null default 'epoch', hold_until timestamptz not null default 'epoch',
      direct_until timestamptz not null default 'epoch',
      direct_rate real not null default 0, direct_at timestamptz not null default 'epoch',
      lowered_to real, lowered_at timestamptz,
      breaker_until timestamptz, breaker_reason text, breaker_opens int not null default 0)`,
  ]
}

/** What keeps a fault at Expo, or in an app's credentials, from costing anybody their devices. */
function guards(s: Id) {
  return [
    sql`create table ${s}.alarms (
      id bigint generated always as identity primary key,
      kind text not null check (kind in ('flood', 'credentials')),
      project text not null default '', device_type text not null default '',
      detail jsonb not null default '{}',
      raised_at timestamptz not null default ${s}.clock(),
      resolved_at timestamptz, resolved_by text, probed_at timestamptz)`,
    sql`create unique index alarms_open on ${s}.alarms (kind, project, device_type) where resolved_at is null`,
    sql`create table ${s}.held_tokens (
      alarm_id bigint not null references ${s}.alarms (id) on delete cascade,
      push_token_id bigint not null references ${s}.push_tokens (id) on delete cascade,
      held_at timestamptz not null default ${s}.clock(),
      primary key (alarm_id, push_token_id))`,
    sql`create table ${s}.answers (
      project text not null, minute timestamptz not null,
      answered bigint not null default 0, gone bigint not null default 0,
      primary key (project, minute))`,
  ]
}
