/** Both documents' tables may stand in the same database already: they are neither read nor changed. */
import { describe, expect, test } from 'vitest'
import { sharedPostgres } from '../kit/global-setup.ts'
import { query } from '../kit/postgres.ts'
import { openWorld } from '../kit/world.ts'
import { fixture } from './documents.ts'

const USER = 'f5cf5a60-f6d7-4754-b7cc-31ed083b0dd3'

const documents = [
  {
    name: 'first',
    make: [
      'create table users (id varchar(50) primary key)',
      fixture('push-tokens-first-document.sql'),
      `insert into users (id) values ('${USER}')`,
      `insert into push_tokens (id, user_id, token) values ('1', '${USER}', 'ExponentPushToken[theirs]')`,
    ],
  },
  {
    name: 'second',
    make: [
      'create schema auth',
      'create table auth.users (id uuid primary key)',
      fixture('push-tokens-second-document.sql'),
      `insert into auth.users (id) values ('${USER}')`,
      `insert into push_tokens (user_id, expo_token) values ('${USER}', 'ExponentPushToken[theirs]')`,
    ],
  },
]

/** Every column and row outside our schemas, in one text. */
async function picture(url: string): Promise<string> {
  const columns = await query(
    url,
    `select table_schema, table_name, column_name, data_type, column_default from information_schema.columns
     where table_schema in ('public', 'auth') order by 1, 2, 3`,
  )
  const objects = await query(
    url,
    `select n.nspname, c.relname, c.relkind from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname in ('public', 'auth') order by 1, 2`,
  )
  return JSON.stringify([columns, objects, await query(url, 'select * from push_tokens')])
}

describe.each(documents)("a database that holds the $name document's tables", ({ make }) => {
  test.each([18, 14] as const)('is left as it is, on PostgreSQL %i', async (version) => {
    const databaseUrl = await (await sharedPostgres(version)).createDatabase()
    for (const statement of make) await query(databaseUrl, statement)
    const before = await picture(databaseUrl)
    const world = await openWorld({ database: 'postgres', databaseUrl })
    try {
      const own = await world.user(USER).register()
      await world.user('alice').post()
      await world.expo.untilTaken(1)
      await world.drain()
      expect(await world.expo.pushes(own)).toHaveLength(1)
      expect(await world.expo.pushes('ExponentPushToken[theirs]')).toEqual([])
    } finally {
      await world.close()
    }
    expect(await picture(databaseUrl)).toBe(before)
  })
})
