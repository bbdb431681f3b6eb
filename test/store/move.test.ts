/** Whatever an embedded database holds is in PostgreSQL after a move, to the last column; and ids go on from where they were. */
import { existsSync, readdirSync } from 'node:fs'
import { type RawBuilder, sql } from 'kysely'
import pg from 'pg'
import { expect, test } from 'vitest'
import type { Db } from '../../src/store/database/db.ts'
import { setAside } from '../../src/store/database/moved-folder.ts'
import { CannotMove } from '../../src/store/move/fault.ts'
import { moveFolder, type Progress } from '../../src/store/move/move.ts'
import { TABLE_NAMES } from '../../src/store/schema/tables.ts'
import { type Opened, openDatabase, openRunning, registerDevice } from '../kit/inside.ts'

/** When what waits is due: neither sooner nor later, however long the move takes. */
const DUE = '2030-01-01T09:00:00Z'

/** Rows of every table, with what is hard to carry: bytes, lists with gaps, JSON, microseconds, and what ends a text. */
async function fill(): Promise<Opened> {
  const source = await openRunning('PGlite', {
    send: (messages) => ({
      kind: 'tickets',
      tickets: messages.flatMap(({ to }) =>
        to.map((token, n) =>
          n === 1
            ? { status: 'error' as const, code: 'DeviceNotRegistered', message: `"${token}" is\\not\na device` }
            : { status: 'ok' as const, id: crypto.randomUUID() },
        ),
      ),
    }),
  })
  const { db } = source
  for (let n = 0; n < 1_203; n++) await source.device(`Ünï "${n}" \\ 🔔`)
  const first = await source.notify({ audience: { everyone: true, except: [] } })
  await source.drain()
  await db.transaction((tx) => tx.enqueue('send-direct', [{ notificationId: first, tries: 2 }], 3_600_000))
  await sql`update belfry_queue.job set start_after = ${DUE} where name = 'send-direct' and state = 'created'`.execute(
    db.kysely,
  )
  await source.stop()
  const [user, other] = ['Ünï "0" \\ 🔔', 'Ünï "1" \\ 🔔']
  const id = sql`gen_random_uuid()`
  const inserts: RawBuilder<unknown>[] = [
    sql`${db.t.posts} values (${id}, ${user}, 'a', E'b\\n\\t"', 'c')`,
    sql`${db.t.messages} values (${id}, ${user}, ${other}, 'text', 'x')`,
    sql`${db.t.parked} (notification_id, queue, data) values (${id}, 'send-direct', '{"a": [1, null]}')`,
    sql`${db.t.pace} (project, recent_at, recent_n, direct_rate) values ('@a/b', array[${db.now}], '{100}', 0.1)`,
    sql`${db.t.idempotency} (caller, key, body_hash, answer) values ('a', 'b', 'c', '{"z":1,  "a":2}'), ('a', 'c', 'd', null)`,
    sql`${db.t.alarms} (kind, project, detail) values ('flood', '@a/b', '{"gone": 3}')`,
    sql`${db.t.held_tokens} (alarm_id, push_token_id) select max(a.id), max(t.id) from ${db.t.alarms} a, ${db.t.push_tokens} t`,
    sql`${db.t.subscriptions} (topic, user_id) values ('t', ${user})`,
    sql`${db.t.mutes} (user_id, kind) values (${user}, 'post')`,
    sql`${db.t.opens} (notification_id, user_id) values (${first}, ${user})`,
    sql`${db.t.totals} (notification_id, counts, final) values (${first}, '{"accepted": 3}', true) on conflict do nothing`,
    sql`${db.t.server_keys} (id, name, prefix, hash, scopes) values (${id}, 'k', 'p', decode(repeat('00ff', 16), 'hex'), '{send}')`,
    sql`${db.t.audit} (actor, action, subject) values ('operator', 'key.create', 'key:1')`,
  ]
  for (const insert of inserts) await sql`insert into ${insert}`.execute(db.kysely)
  // What was given out last is not there any more.
  await sql`delete from ${db.t.refusals} where id = (select max(id) from ${db.t.refusals})`.execute(db.kysely)
  return source
}

async function contents(db: Db): Promise<Record<string, string[]>> {
  const all: Record<string, string[]> = {}
  for (const table of TABLE_NAMES) {
    const rows = await db.rows<{ row: string }>(sql`select row_to_json(t)::text as row from ${db.t[table]} t`)
    all[table] = rows.map(({ row }) => row).toSorted()
  }
  return all
}

const options = ({ dataDir }: Opened) => ({
  dataDir: dataDir!,
  schema: 'belfry',
  place: 'the test’s PostgreSQL',
  emit: () => undefined,
  tell: () => undefined,
})

const foldersOf = ({ dataDir }: Opened) => readdirSync(dataDir!).filter((name) => name.startsWith('pgdata'))

const nextDelivery = async (db: Db) =>
  (await db.rows<{ id: number }>(sql`select nextval('belfry.refusals_id_seq')::int as id`))[0]!.id

test.for(['PostgreSQL 18', 'PostgreSQL 14'] as const)('everything, into %s', async (kind) => {
  const source = await fill()
  const before = await contents(source.db)
  expect(Object.entries(before).filter(([, rows]) => rows.length === 0)).toEqual([])
  const next = (await nextDelivery(source.db)) + 1
  await source.close()
  const to = await openDatabase(kind)
  const told: number[] = []
  const moved = await moveFolder(to, { ...options(source), tell: ({ done, whole }) => told.push(whole - done) })
  const after = await contents(to.db)
  const entry = after.audit!.filter((row) => row.includes('database.move'))
  expect({ ...after, audit: after.audit!.filter((row) => !entry.includes(row)) }).toEqual(before)
  expect(entry).toHaveLength(1)
  expect(await nextDelivery(to.db)).toBe(next)
  expect(moved.counts).toMatchObject({ users: 1_203, push_tokens: 1_203, server_keys: 1 })
  expect(told.at(-1)).toBe(0)
  expect(existsSync(moved.kept)).toBe(true)

  // The tickets' receipts are asked for there, and what waits goes out when its time has come.
  const waiting: [string, number][] = []
  for await (const { queue, dueAt } of to.queue.waiting()) for (const at of dueAt) waiting.push([queue, at])
  const direct = waiting.filter(([queue]) => queue === 'send-direct').map(([, at]) => at - Date.parse(DUE))
  expect(direct).toEqual([expect.closeTo(0, -1)])
  expect(waiting.filter(([queue]) => queue === 'receipts').length).toBeGreaterThan(0)
  const [heart] = await to.db.rows(sql`select heartbeat_seconds from belfry_queue.job where name = 'send-direct'`)
  expect(heart).toEqual({ heartbeat_seconds: 10 })
})

test('two databases do not become one: nothing is moved where something is', async () => {
  const source = await openDatabase('PGlite')
  await registerDevice(source.db, 'ana')
  await source.close()
  const to = await openDatabase('PostgreSQL 18')
  await registerDevice(to.db, 'ben')
  const before = await contents(to.db)
  const moving = moveFolder(to, options(source))
  await expect(moving).rejects.toThrow(CannotMove)
  await expect(moving).rejects.toThrow('users, push_tokens, token_events')
  expect(await contents(to.db)).toEqual(before)
  expect(foldersOf(source)).toEqual(['pgdata'])
})

test('long texts are not taken by the hundred', async () => {
  const source = await openDatabase('PGlite')
  await registerDevice(source.db, 'ana')
  const text = sql`repeat('x', 100000)`
  await sql`insert into ${source.db.t.posts} select gen_random_uuid(), 'ana', 'a', ${text}, 'c' from generate_series(1, 60)`.execute(
    source.db.kysely,
  )
  await source.close()
  const to = await openDatabase('PostgreSQL 18')
  const pages: number[] = []
  let last = 0
  const tell = ({ done, table }: Progress) => {
    if (table === 'posts') pages.push(done - last)
    last = done
  }
  expect((await moveFolder(to, { ...options(source), tell })).counts).toMatchObject({ posts: 60 })
  expect(Math.max(...pages)).toBeLessThan(30)
})

test('what is on its way is not taken back while it may still arrive', async () => {
  const source = await openDatabase('PGlite')
  await registerDevice(source.db, 'ana')
  await source.close()
  const place = options(source).place
  await setAside(source.dataDir!, { move: 'the-first', place })
  const to = await openDatabase('PostgreSQL 18')
  await expect(moveFolder(to, { ...options(source), place: 'another' })).rejects.toThrow(`on its way to ${place}`)
  expect(foldersOf(source)).toEqual(['pgdata.moving'])
  // The commit of a move that has died meanwhile, and that PostgreSQL has yet to end.
  const first = new pg.Client({ connectionString: to.url })
  await first.connect()
  await first.query(`begin; insert into belfry.audit (actor, action, subject, detail)
    values ('system', 'database.move', 'folder:/elsewhere', '{"move": "the-first"}')`)
  await expect(moveFolder(to, options(source))).rejects.toThrow('Try again in a minute')
  expect(foldersOf(source)).toEqual(['pgdata.moving'])
  await first.query('commit')
  await first.end()
  expect(await moveFolder(to, options(source))).toMatchObject({ counts: undefined })
  expect(foldersOf(source)).toEqual([expect.stringMatching(/^pgdata\.moved-/)])
})

test('another folder’s move is not this one’s', async () => {
  const source = await openDatabase('PGlite')
  const other = await openDatabase('PGlite')
  for (const one of [source, other]) {
    await registerDevice(one.db, 'ana')
    await one.close()
  }
  await setAside(source.dataDir!, { move: 'died', place: options(source).place })
  const to = await openDatabase('PostgreSQL 18')
  await moveFolder(to, options(other))
  await expect(moveFolder(to, options(source))).rejects.toThrow('two databases cannot become one')
  expect(foldersOf(source)).toEqual(['pgdata'])
})
