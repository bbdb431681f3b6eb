/** Looks at a database without changing it: for whoever asks whether a server could run on it. */
import { PGlite } from '@electric-sql/pglite'
import pg from 'pg'
import { folderHolder, lockFolder } from './database/folder-lock.ts'
import { embeddedIn, whereabouts } from './database/moved-folder.ts'
import { newestMigration, ourMigrations } from './migrations/migrations.ts'

export interface Look {
  /** PostgreSQL's own. */
  version: string
  /** `none`: the first start will make it. `older`: the next start brings it up to date. */
  tables: 'none' | 'older' | 'current' | 'newer'
  /** The last one that this program brings, and the last one that is there. */
  migrations: { ours: string; theirs: string | null }
  /** How far its clock is ahead of this machine's. */
  aheadMs: number
  /** Whether the user may make the schema, where there is none yet. */
  mayCreate: boolean
  /** As of now: a standby, or a database that its administrator has set so. */
  isReadOnly: boolean
  encoding: string
  /** Whether no user is in it. */
  hasNobody: boolean
}

type Ask = (text: string) => Promise<Record<string, unknown>[]>

/** Rejects when it cannot be reached, or within twice the timeout. */
export async function lookAtPostgres(url: string, schema: string, timeoutMs: number): Promise<Look> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'belfry doctor',
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return await look(async (text) => (await client.query<Record<string, unknown>>(text)).rows, schema)
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** The pid of the server that has the folder open, or null when it does not say; there is nobody else to ask then. */
export type FolderLook =
  | { kind: 'absent' }
  | { kind: 'gone'; where: 'moving' | 'moved' }
  | { kind: 'held'; pid: number | null }
  | { kind: 'free'; look: Look }

export async function lookAtFolder(dataDir: string, schema: string): Promise<FolderLook> {
  const holder = await folderHolder(dataDir)
  if (holder !== 'nobody') return { kind: 'held', pid: holder }
  const where = whereabouts(dataDir)
  if (where === 'absent') return { kind: 'absent' }
  if (where !== 'here') return { kind: 'gone', where }
  const lock = await lockFolder(dataDir)
  try {
    const pglite = await PGlite.create({ dataDir: embeddedIn(dataDir) })
    const seen = await look(async (text) => (await pglite.query<Record<string, unknown>>(text)).rows, schema)
    await pglite.close()
    return { kind: 'free', look: seen }
  } finally {
    await lock.release()
  }
}

async function look(ask: Ask, schema: string): Promise<Look> {
  // Twice: the first statement also pays for the connection's warming up.
  await ask('select 1')
  const before = Date.now()
  const [told] = await ask(
    `select current_setting('server_version') as version, extract(epoch from clock_timestamp()) * 1000 as now,
       has_database_privilege(current_database(), 'CREATE') as may_create, current_setting('server_encoding') as encoding,
       current_setting('transaction_read_only') = 'on' as is_read_only`,
  )
  const here = (before + Date.now()) / 2
  const names = await migrationNames(ask, schema)
  return {
    version: String(told?.version),
    tables: stateOf(names),
    migrations: { ours: newestMigration, theirs: names.at(-1) ?? null },
    aheadMs: Math.round(Number(told?.now) - here),
    mayCreate: told?.may_create === true,
    isReadOnly: told?.is_read_only === true,
    encoding: String(told?.encoding),
    hasNobody: names.length === 0 || (await ask(`select 1 from "${schema}".users limit 1`)).length === 0,
  }
}

function stateOf(names: string[]): Look['tables'] {
  if (names.length === 0) return 'none'
  if (names.some((name) => !ourMigrations.includes(name))) return 'newer'
  return ourMigrations.every((name) => names.includes(name)) ? 'current' : 'older'
}

async function migrationNames(ask: Ask, schema: string): Promise<string[]> {
  const [there] = await ask(`select to_regclass('"${schema}".migrations') is not null as yes`)
  if (there?.yes !== true) return []
  const rows = await ask(`select name from "${schema}".migrations order by name`)
  return rows.map((row) => String(row.name))
}
