/** The two databases behind one door: PGlite in a folder, or PostgreSQL at a URL. Nothing above store can tell which. */
import { existsSync } from 'node:fs'
import { cp, mkdir, rename, rm } from 'node:fs/promises'
import { PGlite } from '@electric-sql/pglite'
import { type Dialect, Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import type { Emit } from '../ports.ts'
import { DatabaseUnopened } from './database/away.ts'
import { callBack } from './database/called-back.ts'
import { type Begin, type Db, makeDb } from './database/db.ts'
import { EmbeddedDatabase, embeddedDialect } from './database/embedded.ts'
import { refuseOtherEncodings } from './database/encoding.ts'
import { FolderUnusable, lockFolder } from './database/folder-lock.ts'
import { embeddedIn, refuseMoved } from './database/moved-folder.ts'
import { patientlyAt } from './database/patient.ts'
import { pipelined } from './database/pipelined.ts'
import { prepareRepeated } from './database/prepared.ts'
import { CONNECT_TIMEOUT_MS, setUp } from './database/session.ts'
import { migrate } from './migrations/migrations.ts'
import {
  enqueueWith,
  guardedHandle,
  makeQueue,
  newBoss,
  type Queue,
  type QueueClock,
  type QueueConnection,
  releaseAbandoned,
  warmUp,
} from './queue/queue.ts'
import type { Tables } from './schema/tables.ts'

export interface Database {
  kind: 'pglite' | 'postgres'
  db: Db
  queue: Queue
  /** Rejects when the database does not answer, or takes nothing. */
  ping(): Promise<void>
  close(): Promise<void>
}

interface Common {
  schema: string
  emit: Emit
  clock?: QueueClock
  /** How often it is told of a migration that takes long. */
  tellMs?: number
}

/** PGlite never returns memory: a small buffer cache saves 100 MB, and its files are in the page cache anyway. */
const PGLITE_PARAMS = ['-c', 'shared_buffers=16MB']
const POOL_SIZE = 10

/**
 * @param dataDir made when it is not there; locked against a second process (FolderLocked). FolderMoved: its database has gone.
 * @param template a prepared empty database to copy, seconds faster than making one; made when it is not there, or cannot be read.
 */
export async function openPglite(options: Common & { dataDir: string; template?: string }): Promise<Database> {
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 }).catch((error: Error) => {
    throw new FolderUnusable(options.dataDir, error.message)
  })
  const lock = await lockFolder(options.dataDir)
  try {
    refuseMoved(options.dataDir)
    const pglite = await openFolder(embeddedIn(options.dataDir), options.template).catch((error: unknown) => {
      throw new DatabaseUnopened(options.dataDir, error)
    })
    const handle = guardedHandle(pglite)
    const database = await assemble(embeddedDialect(pglite), { handle }, options).catch(async (error: unknown) => {
      await pglite.close().catch(() => undefined)
      throw error
    })
    return {
      ...database,
      async close() {
        await database.close()
        await lock.release()
      },
    }
  } catch (error) {
    await lock.release()
    throw error
  }
}

/** The folder appears whole or not at all: a first start that is killed half way leaves nothing to trip over. */
async function openFolder(folder: string, template: string | undefined): Promise<EmbeddedDatabase> {
  const startParams = [...PGlite.defaultStartParams, ...PGLITE_PARAMS]
  if (!existsSync(folder)) {
    const half = `${folder}.new`
    await rm(half, { recursive: true, force: true })
    if (!(await copied(template, half))) await (await PGlite.create({ dataDir: half })).close()
    await rename(half, folder)
  }
  return EmbeddedDatabase.open({ dataDir: folder, startParams })
}

/** Not when it is not there, or when `npm ci` was run by somebody whose files this user may not read. */
async function copied(template: string | undefined, to: string): Promise<boolean> {
  if (template === undefined || !existsSync(template)) return false
  try {
    await cp(template, to, { recursive: true })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error
    await rm(to, { recursive: true, force: true })
    return false
  }
}

/** @param timeoutMs how long a statement may take, but for those of migrations. */
export async function openPostgres(options: Common & { url: string; timeoutMs?: number }): Promise<Database> {
  const pool = new pg.Pool({
    connectionString: options.url,
    application_name: 'belfry',
    max: POOL_SIZE,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    pipeline: true,
    types: { getTypeParser: numbersForBigints },
  })
  pool.on('error', (error) => options.emit('database.error', { error: error.message }))
  // A connection that is checked out and between two statements tells nobody of its end but its own listeners.
  pool.on('connect', (client) => {
    client.on('error', () => undefined)
    callBack(client, options.timeoutMs)
    prepareRepeated(client)
    setUp(client)
  })
  try {
    return await assemble(new PostgresDialect({ pool }), { url: options.url }, options, pipelined(pool, options.schema))
  } catch (error) {
    await pool.end().catch(() => undefined)
    throw error
  }
}

const INT8 = 20
const NUMBER_ARRAYS = new Set([1005, 1007, 1016])

/**
 * Our bigints are row ids and counts, far below 2^53; PGlite gives numbers for them, `pg` strings. `{1,2}` in brackets is
 * JSON: parsed by character, arrays take as long as all else that is read.
 */
function numbersForBigints(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  const parse = pg.types.getTypeParser(oid, format as 'text')
  if (oid === INT8) return Number
  if (NUMBER_ARRAYS.has(oid)) return numbersOf
  return parse
}

const numbersOf = (array: string): unknown =>
  JSON.parse(array.replaceAll('{', '[').replaceAll('}', ']').replaceAll('NULL', 'null'))

/** The queue is installed first: our clock is a function over its. */
async function assemble(
  dialect: Dialect,
  way: Pick<QueueConnection, 'handle' | 'url'>,
  options: Common,
  begin?: Begin,
): Promise<Database> {
  const kind = way.handle ? 'pglite' : 'postgres'
  const queueSchema = `${options.schema}_queue`
  const kysely = new Kysely<Tables>({ dialect })
  const boss = newBoss(
    { ...way, schema: queueSchema, ...(options.clock ? { clock: options.clock } : {}) },
    options.emit,
  )
  try {
    await refuseOtherEncodings(kysely)
    await boss.start()
    const patiently = way.url === undefined ? undefined : patientlyAt(way.url)
    await migrate(kysely, { schema: options.schema, queueSchema }, options.emit, patiently, options.tellMs)
    await warmUp(boss, kind)
    if (way.handle) await releaseAbandoned(boss, way.handle, queueSchema)
  } catch (error) {
    await boss.stop({ graceful: false, close: true }).catch(() => undefined)
    throw error
  }
  const db = makeDb(kysely.withSchema(options.schema), options.schema, enqueueWith(boss), begin)
  const queue = makeQueue(boss, db, options.emit, { schema: queueSchema, kind })
  return {
    kind,
    db,
    queue,
    ping: async () => {
      const { rows } = await sql<{ mode: string }>`select current_setting('transaction_read_only') as mode`.execute(
        kysely,
      )
      if (rows[0]?.mode === 'on') throw new Error('The database can only be read from')
    },
    async close() {
      await queue.close()
      // Closes PGlite, or ends the pool, too.
      await kysely.destroy()
    },
  }
}
