/** The embedded database in its own thread: who asks at the same time, what goes wrong, and how it ends. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { isDatabaseAway, isTaken } from '../../src/store/away.ts'
import type { Db } from '../../src/store/db.ts'
import { EmbeddedDatabase } from '../../src/store/embedded.ts'
import { openDatabase } from '../kit/inside.ts'
import { temporaryFolder } from '../kit/server.ts'

const addUser = (db: Db, id: string) =>
  db.rows<{ id: string }>(sql`insert into ${db.t.users} (id) values (${id}) returning id`)
const users = async ({ kysely }: Db) =>
  (await kysely.selectFrom('users').select('id').orderBy('id').execute()).map((one) => one.id)

async function openOwn(): Promise<EmbeddedDatabase> {
  const database = await openDatabase('PGlite')
  await database.close()
  return EmbeddedDatabase.open({ dataDir: join(database.dataDir!, 'pgdata') })
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
  expect(heard).toEqual(['a 1', 'b 1', 'b 2'])
  await database.close()
})

test('what is under way is answered before it closes; after that it is away', async () => {
  const database = await openOwn()
  const ask = () => database.query('select $1::int as n', [1])
  const [underWay] = await Promise.all([ask(), database.close()])
  expect(underWay.rows).toEqual([{ n: 1 }])
  const refused = await ask().catch((error: unknown) => error)
  expect(isDatabaseAway(refused)).toBe(true)
  const transaction = database.begin()
  await expect(database.query('select 1', [], transaction)).rejects.toThrow('closed')
  await database.close()
})

test('a folder that is no database is refused', async () => {
  const dataDir = join(temporaryFolder(), 'pgdata')
  mkdirSync(dataDir)
  writeFileSync(join(dataDir, 'PG_VERSION'), 'nonsense')
  await expect(EmbeddedDatabase.open({ dataDir })).rejects.toThrow(/PGlite|Aborted|exit/)
})
