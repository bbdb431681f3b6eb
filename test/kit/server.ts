/** The real program, as a child process, and how tests speak to it: over its HTTP port only. */
import { spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import manifest from '../../package.json' with { type: 'json' }
import { freePort, guard, until } from './guard.ts'

const project = join(import.meta.dirname, '..', '..')

/** At least as long as the program asks for; nothing else than these tests uses them. */
export const JWT_SECRET = 'a-secret-that-only-the-tests-of-belfry-know'
export const OPERATOR_KEY = 'an-operator-key-that-only-the-tests-know'

export interface Server {
  url: string
  port: number
  pid: number
  /** From the start of the process to its first ready answer. */
  readyMs: number
  /** Everything it has printed, by lines. */
  lines: string[]
  /** The lines that are JSON. */
  log(): LogLine[]
  /** Waits for a line whose `msg` is this or fits this. */
  untilLogged(msg: string | RegExp): Promise<LogLine>
  /** Kilobytes at the highest, as the kernel counted. */
  peakRssKb(): number
  rssKb(): number
  /** SIGTERM; answers the exit code. */
  stop(): Promise<number | null>
  /** SIGKILL, at once. */
  kill9(): Promise<void>
  exited: Promise<number | null>
}

export interface LogLine {
  msg?: string
  level?: number | string
  [field: string]: unknown
}

export interface ServerOptions {
  /** On top of the kit's own settings; `undefined` takes one of those away. */
  env?: Record<string, string | undefined>
  /** Where it runs and where DATA_DIR is; made when not given. */
  folder?: string
  port?: number
  args?: string[]
  /** `alive` for a program that is expected to wait for its database; `said` for a worker, which has no port. */
  waitFor?: 'ready' | 'alive' | 'said'
  /** Another folder with the program in it: an older version, or what is shipped. */
  program?: string
  /** Another account than ours, which then must be able to read the program and to write where it runs. */
  as?: { uid: number; gid: number } | undefined
}

/** A machine that many share may take long over the first start of an embedded database. */
const READY_WITHIN_MS = 180_000

/** As `npm start` has it: what memory does is measured with it. */
export const GLIBC_TUNABLES = /GLIBC_TUNABLES=(\S+)/.exec(manifest.scripts.start)![1]!

/** The settings that every started program gets, and what `npm start` sets; a developer's own environment and `.env` stay outside. */
export function environment(folder: string, port: number, env: ServerOptions['env'] = {}): Record<string, string> {
  const own = { PATH: process.env.PATH, HOME: folder, TMPDIR: process.env.TMPDIR, TZ: 'UTC', GLIBC_TUNABLES }
  const settings = { HOST: '127.0.0.1', PORT: String(port), DATA_DIR: join(folder, 'data'), JWT_SECRET, OPERATOR_KEY }
  const all: Record<string, string | undefined> = { ...own, ...settings, ...env }
  return Object.fromEntries(Object.entries(all).filter((pair): pair is [string, string] => pair[1] !== undefined))
}

/** A folder that the operating system may be asked to forget; removed by whoever asked for it. */
export function temporaryFolder(): string {
  mkdirSync(join(project, '.tmp'), { recursive: true })
  return mkdtempSync(join(project, '.tmp', 'world-'))
}

const isTemporary = (folder: string): boolean => dirname(folder) === join(project, '.tmp')

export async function startServer(options: ServerOptions = {}): Promise<Server> {
  const folder = options.folder ?? temporaryFolder()
  const port = options.port ?? (await freePort())
  const started = performance.now()
  const cli = join(options.program ?? project, 'src', 'cli.ts')
  const child = spawn(process.execPath, [cli, ...(options.args ?? ['serve'])], {
    cwd: folder,
    env: environment(folder, port, options.env),
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options.as,
  })
  const pid = child.pid!
  const release = guard(pid, isTemporary(folder) ? { folder } : {})
  const lines: string[] = []
  collectLines(child.stdout, lines)
  collectLines(child.stderr, lines)
  let ended: { code: number | null } | undefined
  const exited = new Promise<number | null>((done) => {
    child.once('close', (code) => {
      ended = { code }
      release()
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true })
      done(code)
    })
  })
  const url = `http://127.0.0.1:${port}`
  const server: Server = {
    url,
    port,
    pid,
    lines,
    exited,
    readyMs: 0,
    log: () => lines.flatMap(parseLine),
    untilLogged: (msg) => until(`a log line ${msg}`, () => lines.flatMap(parseLine).find((line) => says(line, msg))),
    peakRssKb: () => memoryOf(pid, 'VmHWM'),
    rssKb: () => memoryOf(pid, 'VmRSS'),
    stop: () => (child.kill('SIGTERM'), exited),
    kill9: async () => void (child.kill('SIGKILL'), await exited),
  }
  try {
    const isReady = () => {
      if (ended !== undefined) throw new Error(`the server ended with ${ended.code}:\n${lines.slice(-30).join('\n')}`)
      if (options.waitFor === 'said') return lines.some((line) => line.includes('worker is ready'))
      return answers(`${url}/${options.waitFor === 'alive' ? 'healthz' : 'readyz'}`)
    }
    await until('the server to be ready', isReady, { timeoutMs: READY_WITHIN_MS })
  } catch (error) {
    await server.kill9()
    throw new Error(`${(error as Error).message}\n${lines.slice(-30).join('\n')}`, { cause: error })
  }
  server.readyMs = performance.now() - started
  return server
}

export interface Ran {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs one command of the program to its end. */
export async function runCommand(args: string[], options: Pick<ServerOptions, 'env' | 'folder'> = {}): Promise<Ran> {
  const folder = options.folder ?? temporaryFolder()
  const child = spawn(process.execPath, [join(project, 'src', 'cli.ts'), ...args], {
    cwd: folder,
    env: environment(folder, 0, options.env),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const release = guard(child.pid!)
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const code = await new Promise<number | null>((done) => child.once('close', done))
  release()
  if (options.folder === undefined) rmSync(folder, { recursive: true, force: true })
  return { code, stdout, stderr }
}

/** A bearer token as another system would make it: HS256 by hand, so that the program's own library is not its judge. */
export function mintToken(user: string, claims: Record<string, unknown> = {}, secret = JWT_SECRET): string {
  const now = Math.floor(Date.now() / 1000)
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ sub: user, iat: now, exp: now + 3600, ...claims })}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

function collectLines(stream: NodeJS.ReadableStream, lines: string[]): void {
  let rest = ''
  stream.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop()!
    lines.push(...parts)
  })
}

function parseLine(line: string): LogLine[] {
  if (!line.startsWith('{')) return []
  try {
    return [JSON.parse(line) as LogLine]
  } catch {
    return []
  }
}

function says(line: LogLine, msg: string | RegExp): boolean {
  if (line.msg === undefined) return false
  return typeof msg === 'string' ? line.msg === msg : msg.test(line.msg)
}

async function answers(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
    async (response) => (await response.arrayBuffer(), response.ok),
    () => false,
  )
}

function memoryOf(pid: number, name: 'VmHWM' | 'VmRSS'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1])
}
