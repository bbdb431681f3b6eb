/** The real program as a child process: server, worker or API, with a failpoint, a jumping clock, real signals. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { freePort, guard, until } from '../../kit/guard.ts'
import { environment } from '../../kit/server.ts'

export const project = join(import.meta.dirname, '..', '..', '..')

export type Role = 'all' | 'api' | 'worker'

export interface Start {
  role?: Role
  port?: number
  env?: Record<string, string | undefined>
  /** `name:nth:action[:ms]`, see failpoint-preload.ts. */
  failpoint?: string
  /** `afterMs:offsetMs,…`, see clock-preload.ts. */
  clock?: string
  /** `spawned` for a program that is expected to die, or to wait, before it is ready. */
  waitFor?: 'ready' | 'alive' | 'spawned'
}

export interface Program {
  role: Role
  pid: number
  url: string
  /** Everything it has printed, by lines. */
  lines: string[]
  isRunning(): boolean
  /** How often its failpoint was met: 0 or 1. */
  met(): number
  signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGTERM' | 'SIGKILL'): void
  /** @returns the exit code, null for a signal. */
  stop(): Promise<number | null>
  kill9(): Promise<void>
  exited: Promise<number | null>
}

/** A busy machine starts eight of them at once. */
const START_MS = 60_000

const preload = (name: string) => `--import ${pathToFileURL(join(import.meta.dirname, name)).href}`

export async function startProgram(folder: string, start: Start): Promise<Program> {
  const role = start.role ?? 'all'
  const port = start.port ?? (await freePort())
  const preloads = [start.failpoint && preload('failpoint-preload.ts'), start.clock && preload('clock-preload.ts')]
  const env = environment(folder, port, {
    ROLE: role,
    NODE_OPTIONS: preloads.filter(Boolean).join(' ') || undefined,
    BELFRY_TEST_FAILPOINT: start.failpoint,
    BELFRY_TEST_CLOCK: start.clock,
    ...start.env,
  })
  const child = spawn(process.execPath, [join(project, 'src', 'cli.ts'), 'serve'], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const program = watch(child, folder, role, `http://127.0.0.1:${port}`)
  if (start.waitFor !== 'spawned') await untilReady(program, start.waitFor ?? 'ready')
  return program
}

function watch(child: ChildProcess, folder: string, role: Role, url: string): Program {
  const release = guard(child.pid!, { folder })
  const lines: string[] = []
  collect(child.stdout!, lines)
  collect(child.stderr!, lines)
  let isRunning = true
  const exited = new Promise<number | null>((done) => {
    child.once('close', (code) => {
      isRunning = false
      release()
      done(code)
    })
  })
  return {
    role,
    pid: child.pid!,
    url,
    lines,
    exited,
    isRunning: () => isRunning,
    met: () => lines.filter((line) => /^failpoint \w+ met/.test(line)).length,
    signal: (name) => void child.kill(name),
    stop: () => (child.kill('SIGTERM'), exited),
    kill9: async () => void (child.kill('SIGKILL'), await exited),
  }
}

async function untilReady(program: Program, what: 'ready' | 'alive'): Promise<void> {
  const tail = () => program.lines.slice(-20).join('\n')
  try {
    await until(
      'the program to be ready',
      async () => {
        if (!program.isRunning()) throw new Error(`it ended with ${await program.exited}`)
        if (what === 'ready') return program.lines.some((line) => /^ {2}Belfry .* (is|worker is) ready/.test(line))
        return answers(`${program.url}/healthz`)
      },
      { timeoutMs: START_MS },
    )
  } catch (error) {
    await program.kill9()
    throw new Error(`${(error as Error).message}\n${tail()}`, { cause: error })
  }
}

async function answers(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(2_000) }).then(
    async (response) => (await response.arrayBuffer(), response.ok),
    () => false,
  )
}

function collect(stream: NodeJS.ReadableStream, lines: string[]): void {
  let rest = ''
  stream.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop()!
    lines.push(...parts)
  })
}
