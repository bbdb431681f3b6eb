/** The embedded database in its own thread: who asks at the same time, what goes wrong, and how it ends. */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { sql } from 'kysely'
import { expect, onTestFinished, test, vi } from 'vitest'
import { isDatabaseAway, isTaken } from '../../src/store/database/away.ts'
import type { Db } from '../../src/store/database/db.ts'
import { EmbeddedDatabase } from '../../src/store/database/embedded.ts'
import { openPglite } from '../../src/store/open.ts'
import { openDatabase } from '../kit/inside.ts'
import { temporaryFolder } from '../kit/server.ts'

const addUser = (db: Db, id: string) =>
  db.rows<{ id: string }>(sql`insert into ${db.t.users} (id) values (${id}) returning id`)
const users = async ({ kysely }: Db) =>
  (await kysely.selectFrom('users').select('id').orderBy('id').execute()).map((one) => one.id)

async function ownFolder(): Promise<string> {
  const database = await openDatabase('PGlite')
  await database.close()
  return join(database.dataDir!, 'pgdata')
}

async function openOwn(watch?: Parameters<typeof EmbeddedDatabase.open>[1]): Promise<EmbeddedDatabase> {
  return EmbeddedDatabase.open({ dataDir: await ownFolder() }, watch)
}

test('while it works, the program goes on', async () => {
  const { db } = await openDatabase('PGlite')
  let isWorking = true
  const work = db.rows(sql`select count(*) from generate_series(1, 2000000)`).then(() => (isWorking = false))
  let turns = 0
  while (isWorking) {
    await new Promise((resolve) => setTimeout(resolve, 1))
    turns += 1
  }
  await work
  expect(turns).toBeGreaterThan(20)
})

test('what is asked while a transaction is open waits for its end, and is not part of it', async () => {
  const { db } = await openDatabase('PGlite')
  const order: string[] = []
  const { promise: isAsked, resolve: asked } = Promise.withResolvers<void>()
  const rolledBack = db.transaction(async (tx) => {
    await addUser(tx, 'inside')
    asked()
    await new Promise((resolve) => setTimeout(resolve, 50))
    order.push('transaction')
    throw new Error('no')
  })
  await isAsked
  const outside = addUser(db, 'outside').then(() => order.push('outside'))
  const next = db.transaction(async (tx) => {
    await addUser(tx, 'next')
    order.push('next')
  })
  await expect(rolledBack).rejects.toThrow('no')
  await Promise.all([outside, next])
  expect(order).toEqual(['transaction', 'outside', 'next'])
  expect(await users(db)).toEqual(['next', 'outside'])
})

test('many at once are each answered with their own', async () => {
  const { db } = await openDatabase('PGlite')
  const numbers = Array.from({ length: 200 }, (_, n) => n)
  const answers = await Promise.all(
    numbers.map((n) =>
      n % 10 === 0
        ? db.transaction(async (tx) => (await tx.rows<{ n: number }>(sql`select ${n}::int as n`))[0])
        : db.rows<{ n: number }>(sql`select ${n}::int as n`).then((rows) => rows[0]),
    ),
  )
  expect(answers.map((one) => one?.n)).toEqual(numbers)
})

test('an error keeps its code, tells who asked, and has nothing of the values in it', async () => {
  const { db } = await openDatabase('PGlite')
  await addUser(db, 'somebody-secret')
  async function theOneWhoAsks() {
    await db.kysely.insertInto('users').values({ id: 'somebody-secret' }).execute()
  }
  const error = (await theOneWhoAsks().catch((thrown: unknown) => thrown)) as Error
  expect(isTaken(error)).toBe(true)
  expect(error.stack).toContain('theOneWhoAsks')
  expect(Object.keys(error)).not.toContain('params')
})

test('a transaction in which something has failed cannot be committed, and says so', async () => {
  const { db } = await openDatabase('PGlite')
  const failed = db.transaction(async (tx) => {
    await addUser(tx, 'a')
    await tx.rows(sql`select no_such_column from ${tx.t.users}`).catch(() => undefined)
  })
  await expect(failed).rejects.toMatchObject({ code: '25P02' })
  expect(await users(db)).toEqual([])
})

test('a transaction that has ended takes nothing more', async () => {
  const database = await openOwn()
  const transaction = database.begin()
  expect((await database.query('select 1 as n', [], transaction)).rows).toEqual([{ n: 1 }])
  await database.end(transaction, { commit: true })
  await expect(database.query('select 1', [], transaction)).rejects.toThrow('has ended')
  await database.close()
})

test('who listens is told, until they stop listening', async () => {
  const database = await openOwn()
  const heard: string[] = []
  const stops = [await database.listen('news', (said) => heard.push(`a ${said}`))]
  stops.push(await database.listen('news', (said) => heard.push(`b ${said}`)))
  await database.exec(`notify news, '1'`)
  await stops[0]!()
  await database.exec(`notify news, '2'`)
  await stops[1]!()
  await database.exec(`notify news, '3'`)
  await database.listen('news', (said) => heard.push(`c ${said}`))
  await database.exec(`notify news, '4'`)
  expect(heard).toEqual(['a 1', 'b 1', 'b 2', 'c 4'])
  await database.close()
})

test('what is under way is done before it closes, transactions to their end; after that it is away', async () => {
  const database = await openOwn()
  const ask = (transaction?: number) => database.query<{ n: number }>('select $1::int as n', [1], transaction)
  const first = database.begin()
  const underWay = [ask(first), ask()]
  const second = database.begin()
  const closing = database.close()
  underWay.push(ask(first))
  await database.end(first, { commit: true })
  underWay.push(ask(second))
  await database.end(second, { commit: false })
  await Promise.all([closing, database.close()])
  for (const { rows } of await Promise.all(underWay)) expect(rows).toEqual([{ n: 1 }])
  const refused = await ask().catch((error: unknown) => error)
  expect(isDatabaseAway(refused)).toBe(true)
  await expect(ask(database.begin())).rejects.toThrow('closed')
})

test('it closes, and is closed, however many transactions come meanwhile', async () => {
  const database = await openDatabase('PGlite')
  let ended = 0
  const many = Array.from({ length: 3 }, async () => {
    const work = () => database.db.transaction((tx) => tx.rows(sql`select 1`))
    while (await work().then(Boolean, () => false));
    ended += 1
  })
  await new Promise((resolve) => setTimeout(resolve, 50))
  await database.close()
  await Promise.all(many)
  expect(ended).toBe(3)
})

test('several statements of which one fails leave no transaction for whoever comes next', async () => {
  const database = await openOwn()
  await database.exec('create table t (n int)')
  const failed = database.exec('begin; select 1 / 0; commit')
  const others = Array.from({ length: 20 }, (_, n) => database.query('insert into t values ($1)', [n]))
  await expect(failed).rejects.toMatchObject({ code: '22012' })
  await Promise.all(others)
  expect((await database.query('select count(*)::int as n from t')).rows).toEqual([{ n: 20 }])
  await database.close()
})

test('a start that fails leaves no thread behind, and the folder free', async () => {
  const threads = () => process.getActiveResourcesInfo().filter((one) => one === 'MessagePort').length
  const database = await openDatabase('PGlite')
  await database.close()
  const before = threads()
  const open = (schema: string) => openPglite({ dataDir: database.dataDir!, schema, emit: () => undefined })
  await expect(open('x'.repeat(60))).rejects.toThrow(/50 bytes/)
  expect(threads()).toBe(before)
  await (await open('belfry')).close()
})

test('a folder that is no database is refused', async () => {
  const dataDir = join(temporaryFolder(), 'pgdata')
  mkdirSync(dataDir)
  writeFileSync(join(dataDir, 'PG_VERSION'), 'nonsense')
  await expect(EmbeddedDatabase.open({ dataDir })).rejects.toThrow(/PGlite|Aborted|exit/)
  const opened = openPglite({ dataDir: dirname(dataDir), schema: 'belfry', emit: () => undefined })
  await expect(opened).rejects.toThrow(/cannot be opened .* Is the disk full\?/)
})

test('that it answers no more is noticed; that nobody asks, or one after the other, is not', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'performance'] })
  onTestFinished(() => void vi.useRealTimers())
  let noticed = 0
  const pglite = await openOwn({ silentMs: 60_000, onStopped: () => void (noticed += 1) })
  vi.advanceTimersByTime(100_000)
  for (let n = 0; n < 3; n++) {
    const answered = pglite.query('select 1')
    vi.advanceTimersByTime(50_000)
    await answered
  }
  expect(noticed).toBe(0)
  const late = pglite.query('select 1')
  vi.advanceTimersByTime(70_000)
  expect(noticed).toBeGreaterThan(0)
  await late
  await pglite.close()
})

test('one that panics, as it does when its log has no room, ends at once, and goes on when it is started again', async () => {
  const dataDir = await ownFolder()
  const { promise: hasStopped, resolve } = Promise.withResolvers<string>()
  const onStopped = () => resolve('stopped')
  const pglite = await EmbeddedDatabase.open({ dataDir }, { silentMs: 3_600_000, onStopped })
  await pglite.exec('create table t (n int); insert into t values (1)')
  // Not a full disk, but the same for whoever writes the log: no new file of it can be made.
  const log = join(dataDir, 'pg_wal')
  const aside = `${log}.aside`
  renameSync(log, aside)
  const asked = [2, 3, 4].map((n) =>
    pglite.exec(`insert into t values (${n}); select pg_switch_wal()`).then(() => 'went on', String),
  )
  expect(await Promise.race([hasStopped, ...asked])).toBe('stopped')

  renameSync(aside, log)
  const again = await EmbeddedDatabase.open({ dataDir })
  expect((await again.query('select min(n) as n from t')).rows).toEqual([{ n: 1 }])
  await again.close()
})
