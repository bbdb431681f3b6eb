/** A migration and who else is at the database. */
import { sql } from 'kysely'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import type { Emit } from '../../src/ports.ts'
import { patientlyAt } from '../../src/store/database/patient.ts'
import { openPostgres } from '../../src/store/open.ts'
import { until } from '../kit/guard.ts'
import { openDatabase, type Told } from '../kit/inside.ts'
import { query } from '../kit/postgres.ts'

const NEWEST = '0012_shown'
/** It reads what may be large tables. */
const AUTHORS = '0011_authors'
/** It changes the ledger's table. */
const TICKET_UUIDS = '0008_ticket_uuids'
const MADE_LATER = `belfry.held_tokens_token, belfry.opens_user, belfry.notifications_stopped, belfry.posts_user,
  belfry.messages_sender, belfry.messages_receiver`

describe.each(['PostgreSQL 18', 'PostgreSQL 14'] as const)('on %s', (kind) => {
  test('while a backup holds a table, nobody waits behind a migration for long, and it is made afterwards', async () => {
    const { url } = await openDatabase(kind)
    await query(url!, 'alter table belfry.deliveries drop column ticket_uuids')
    await query(url!, 'alter table belfry.server_keys drop column is_shown')
    await query(url!, `drop index ${MADE_LATER}`)
    await query(url!, 'delete from belfry.migrations where name >= $1', [TICKET_UUIDS])
    const backup = new pg.Client(url)
    await backup.connect()
    await backup.query('begin')
    await backup.query('lock table belfry.deliveries in access share mode')
    let made = false
    const migrated = openPostgres({ url: url!, schema: 'belfry', emit: () => undefined }).then((database) => {
      made = true
      return database.close()
    })
    /** Since when; each try is a transaction of its own. */
    const waiting = `select xact_start::text as since from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and query like 'alter table%'`
    const waitsSince = async () => (await query<{ since: string }>(url!, waiting))[0]?.since
    const since = await until('the migration to wait', waitsSince, { everyMs: 20 })
    // Behind the migration, and so until it lets go.
    await query(`${url}?options=-c%20statement_timeout%3D20s`, 'select count(*) from belfry.deliveries')
    expect(made).toBe(false)
    expect(await waitsSince()).not.toBe(since)
    await backup.query('commit')
    await backup.end()
    await migrated
    const names = await query<{ name: string }>(url!, 'select name from belfry.migrations order by name desc limit 1')
    expect(names).toEqual([{ name: NEWEST }])
  })

  test('a migration takes as long as it takes, which is told, and who starts meanwhile waits for it', async () => {
    const { url } = await openDatabase(kind)
    await query(url!, 'drop index belfry.posts_user, belfry.messages_sender, belfry.messages_receiver')
    await query(url!, 'alter table belfry.server_keys drop column is_shown')
    await query(url!, 'delete from belfry.migrations where name >= $1', [AUTHORS])
    // An index of a large table.
    await query(
      url!,
      `create function slowly() returns event_trigger language plpgsql as
         'begin while not pg_try_advisory_xact_lock(42) loop perform pg_sleep(0.02); end loop; end';
       create event trigger slow on ddl_command_start when tag in ('CREATE INDEX') execute function slowly()`,
    )
    const large = new pg.Client(url)
    await large.connect()
    await large.query('select pg_advisory_lock(42)')
    const limitMs = 4_000
    const open = () => {
      const told: Told[] = []
      const emit: Emit = (name, fact) => void told.push({ name, fact })
      const options = { url: url!, schema: 'belfry', emit, tellMs: limitMs / 6, timeoutMs: limitMs }
      const opened = openPostgres(options).then((database) => database.close())
      const tells = (name: string, times: number) => {
        const isTold = until(name, () => told.filter((one) => one.name === name).length >= times)
        const isOpen = opened.then(() => Promise.reject(new Error('it did not wait')))
        return Promise.race([isTold, isOpen])
      }
      return { opened, told, tells }
    }
    const migrating = open()
    await migrating.tells('migration.running', 1)
    const waiting = open()
    // Beyond the limit for both.
    await Promise.all([migrating.tells('migration.running', 8), waiting.tells('migration.awaited', 8)])
    await large.end()
    await Promise.all([migrating.opened, waiting.opened])
    expect(migrating.told.at(-1)).toMatchObject({ fact: { migration: AUTHORS } })
    expect(waiting.told.every((one) => one.name === 'migration.awaited')).toBe(true)
    const there = await query<{ count: number }>(
      url!,
      `select count(*)::int as count from pg_indexes where indexname in ('posts_user', 'messages_sender', 'messages_receiver')`,
    )
    expect(there).toEqual([{ count: 3 }])
  })

  test('nor does the time limit of the database end one', async () => {
    const { url } = await openDatabase(kind)
    const limited = new URL(url!)
    limited.searchParams.set('options', '-c statement_timeout=100ms')
    const slow = 'select pg_sleep(0.5)'
    await expect(query(limited.href, slow)).rejects.toThrow('statement timeout')
    await patientlyAt(limited.href)((kysely) => sql.raw(slow).execute(kysely))
  })

  test('what goes along with a row that goes is found by an index', async () => {
    const { url } = await openDatabase(kind)
    const looked = await query<{ keys: number; bare: string[] }>(
      url!,
      `select count(*)::int as keys, coalesce(array_agg(c.conrelid::regclass || ' ' || c.conname) filter (where not exists (
          select from pg_index i where i.indrelid = c.conrelid and i.indkey[0] = c.conkey[1])), '{}') as bare
        from pg_constraint c where c.contype = 'f' and c.connamespace = 'belfry'::regnamespace`,
    )
    expect(looked[0]!.keys).toBeGreaterThan(4)
    expect(looked[0]!.bare).toEqual([])
  })
})
