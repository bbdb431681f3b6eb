/** Opening: one holder of a folder, no word against a database that is newer, no hand on what was there before. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { isDatabaseAway } from '../../src/store/database/away.ts'
import { QueueClient } from '../../src/store/database/called-back.ts'
import { lockFolder } from '../../src/store/database/folder-lock.ts'
import { NewerDatabase } from '../../src/store/migrations/compatibility.ts'
import { openPglite, openPostgres } from '../../src/store/open.ts'
import { sharedPostgres } from '../kit/global-setup.ts'
import { KINDS, openDatabase, openRunning } from '../kit/inside.ts'
import { query } from '../kit/postgres.ts'

const emit = (): void => undefined

describe.each(KINDS)('on %s', (kind) => {
  test('a database that a newer version wrote is refused in one sentence', async () => {
    const opened = await openDatabase(kind)
    await sql`insert into belfry.migrations (name, timestamp) values ('9999_future', '2099')`.execute(opened.db.kysely)
    await sql`update belfry.compatibility set oldest = '9999_future'`.execute(opened.db.kysely)
    if (opened.url) {
      await expect(openPostgres({ url: opened.url, schema: 'belfry', emit })).rejects.toThrow(NewerDatabase)
      return
    }
    await opened.close()
    await expect(openPglite({ dataDir: opened.dataDir!, schema: 'belfry', emit })).rejects.toThrow(/9999_future/)
  })

  test('what is said on one connection inside a transaction is not seen outside, and rolls back whole', async () => {
    const { db } = await openDatabase(kind)
    const failed = db.transaction(async (tx) => {
      await tx.kysely.insertInto('users').values({ id: 'ghost', name: null }).execute()
      await tx.enqueue('send-direct', [{ notificationId: crypto.randomUUID(), tries: 0 }])
      throw new Error('no')
    })
    await expect(failed).rejects.toThrow('no')
    expect(await db.kysely.selectFrom('users').selectAll().execute()).toEqual([])
    const { rows } = await sql<{
      n: number
    }>`select count(*)::int as n from belfry_queue.job where name = 'send-direct'`.execute(db.kysely)
    expect(rows[0]?.n).toBe(0)
  })
})

test('a connection that dies in the middle of a transaction fails the transaction, and nothing else', async () => {
  const { db, url } = await openDatabase('PostgreSQL 18')
  const cut = db.transaction(async (tx) => {
    const [row] = await tx.rows<{ pid: number }>(sql`select pg_backend_pid() as pid`)
    await query(url!, 'select pg_terminate_backend($1)', [row!.pid])
    await new Promise((resolve) => setTimeout(resolve, 100))
    await tx.rows(sql`select 1`)
  })
  const error = await cut.catch((thrown: unknown) => thrown)
  expect(isDatabaseAway(error)).toBe(true)
  expect(await db.rows(sql`select 1 as one`)).toEqual([{ one: 1 }])
})

test('a database that is set as its administrator likes it is made, and read, all the same', async () => {
  const url = await (await sharedPostgres(18)).createDatabase()
  for (const liked of [
    "datestyle = 'German'",
    "default_transaction_isolation = 'serializable'",
    'standard_conforming_strings = off',
  ])
    await query(url, `alter database ${new URL(url).pathname.slice(1)} set ${liked}`)
  const { db } = await openDatabase('PostgreSQL 18', { url })
  const isolation = `current_setting('transaction_isolation') as isolation`
  const [now] = await db.rows(sql`select timestamptz '2026-11-23 12:00:00+00' as at, ${sql.raw(isolation)}`)
  expect(now).toEqual({ at: new Date('2026-11-23T12:00:00Z'), isolation: 'read committed' })
  const ofTheQueue = new QueueClient({ connectionString: url })
  await ofTheQueue.connect()
  expect((await ofTheQueue.query(`select ${isolation}`)).rows).toEqual([{ isolation: 'read committed' }])
  await ofTheQueue.end()
})

test.each(['ENETUNREACH', 'ENETDOWN', 'EHOSTDOWN', 'ECONNABORTED'])(
  'a network that says %s is a database that is away',
  (code) => {
    expect(isDatabaseAway(Object.assign(new Error(`connect ${code} 10.0.0.1:5432`), { code }))).toBe(true)
  },
)

test('so is one whose connection broke while Kysely held it', () => {
  expect(isDatabaseAway(new Error('Postgres connection has been discarded'))).toBe(true)
})

test('the first thing that happens after a start may be a post', async () => {
  const world = await openRunning('PGlite')
  await world.notify({ audience: { everyone: true } })
  await world.drain()
})

test('a second holder of a folder is refused with the pid of the first, also while the first is busy', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'belfry-lock-'))
  const holder = join(folder, 'holder.mjs')
  const lockModule = join(import.meta.dirname, '../../src/store/database/folder-lock.ts')
  writeFileSync(
    holder,
    `import { lockFolder } from ${JSON.stringify(lockModule)}
    const lock = await lockFolder(process.argv[2]); process.send('locked'); setInterval(() => {}, 1e6)`,
  )
  const child = spawn(process.execPath, [holder, folder], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  try {
    await once(child, 'message')
    await expect(lockFolder(folder)).rejects.toMatchObject({ pid: child.pid })
    child.kill('SIGSTOP')
    await expect(lockFolder(folder)).rejects.toMatchObject({ pid: child.pid })
    child.kill('SIGKILL')
    await once(child, 'exit')
    const lock = await lockFolder(folder)
    await lock.release()
  } finally {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
})

/** As a process leaves it that was killed: nobody answers there any more. */
async function leaveSocket(path: string): Promise<void> {
  const server = createServer().listen(`${path}.held`)
  await once(server, 'listening')
  // Under another name it is not removed when the server closes.
  renameSync(`${path}.held`, path)
  server.close()
  await once(server, 'close')
}

test('of ten that take over a stale lock at once, one gets it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'belfry-lock-'))
  try {
    await leaveSocket(join(folder, 'belfry.lock'))
    const takers = await Promise.allSettled(Array.from({ length: 10 }, () => lockFolder(folder)))
    const locks = takers.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    expect(locks).toHaveLength(1)
    await locks[0]?.release()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('a taking-over that died half way does not last for ever, whatever the clock was then', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'belfry-lock-'))
  const taking = join(folder, 'belfry.lock.taking')
  try {
    for (const hours of [-3, 3]) {
      writeFileSync(taking, '')
      const then = Date.now() / 1_000 + hours * 3_600
      utimesSync(taking, then, then)
      await (await lockFolder(folder)).release()
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}, 5_000)
