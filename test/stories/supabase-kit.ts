/** Plays pg_net: a database whose webhooks are told by NOTIFY, and somebody who sends them on as Supabase would. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { type Answer, call } from '../kit/call.ts'
import { sharedPostgres } from '../kit/global-setup.ts'
import { until } from '../kit/guard.ts'
import { query } from '../kit/postgres.ts'
import type { World } from '../kit/world.ts'
import { fixture } from '../requirements/documents.ts'

export const SECRET = 'a-webhook-secret-that-only-tests-know'

export type Row = Record<string, unknown>

/** Sends what Supabase sends. */
export function hook(world: World, type: string, table: string, record: Row | null, old: Row | null = null) {
  return world.call('POST', '/hooks/supabase', {
    headers: { 'x-webhook-secret': SECRET },
    json: { type, table, schema: 'public', record, old_record: old },
  })
}

/** The documents' SQL, with our address and secret in place of theirs. */
export function documentedSql(url: string): string[] {
  const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'from-supabase.md'), 'utf8')
  return [...page.matchAll(/^```sql\n(.*?)^```$/gms)].map(([, block = '']) =>
    block.replaceAll('https://push.example.com', url).replaceAll('YOUR_SECRET', SECRET),
  )
}

/** The second document's table and two of the kind that its backends have; and Supabase's functions, told by NOTIFY. */
const theirs = [
  'create schema auth',
  'create table auth.users (id uuid primary key default gen_random_uuid(), email text)',
  fixture('push-tokens-second-document.sql'),
  `create table messages (id uuid primary key default gen_random_uuid(), sender_id uuid not null, receiver_id uuid not null,
     message_type text not null default 'text', content text, is_read boolean default false, meta jsonb default '{"a": [1]}',
     created_at timestamptz default now())`,
  `create table posts (id bigint generated always as identity primary key, user_id uuid not null, title text not null,
     text_content text, content_type text, created_at timestamptz default now())`,
  'create schema supabase_functions',
  `create function supabase_functions.http_request() returns trigger language plpgsql as $$
   begin
     perform pg_notify('pg_net', jsonb_build_object('url', tg_argv[0], 'method', tg_argv[1], 'headers', tg_argv[2]::jsonb,
       'body', jsonb_build_object('old_record', old, 'record', new, 'type', tg_op, 'table', tg_table_name,
         'schema', tg_table_schema))::text);
     return new;
   end $$`,
  'create schema net',
  `create function net.http_post(url text, body jsonb, params jsonb default '{}', headers jsonb default '{}',
     timeout_milliseconds int default 5000) returns bigint language sql as $$
     select pg_notify('pg_net', jsonb_build_object('url', url, 'method', 'POST', 'headers', headers, 'body', body)::text);
     select 1::bigint $$`,
]

interface Sent {
  url: string
  method: string
  headers: Record<string, string>
  body: Row
}

export interface Supabase {
  sql(text: string, values?: unknown[]): Promise<Row[]>
  /** Waits for so many webhooks, and sends them on, in the order that `arrange` gives them. */
  forward(count: number, arrange?: (sent: Sent[]) => Sent[]): Promise<Answer[]>
  close(): Promise<void>
}

export async function openSupabase(): Promise<Supabase> {
  const url = await (await sharedPostgres(18)).createDatabase()
  for (const statement of theirs) await query(url, statement)
  const listener = new pg.Client({ connectionString: url })
  const told: Sent[] = []
  listener.on('notification', ({ payload = '' }) => told.push(JSON.parse(payload) as Sent))
  await listener.connect()
  await listener.query('listen pg_net')
  return {
    sql: (text, values) => query(url, text, values),
    async forward(count, arrange = (sent) => sent) {
      await until(`${count} webhooks`, () => told.length >= count)
      const answers: Answer[] = []
      for (const { url: to, method, headers, body } of arrange(told.splice(0, count)))
        answers.push(await call(method, to, { headers, json: body }))
      return answers
    },
    close: () => listener.end(),
  }
}
