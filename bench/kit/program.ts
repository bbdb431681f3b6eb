/** The real program as its own process, with its log in a file, as an operator runs it. */
import { execFile, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort, guard, until } from '../../test/kit/guard.ts'
import { environment } from '../../test/kit/server.ts'

/** This checkout; another one can be measured beside it. */
export const thisCheckout = join(import.meta.dirname, '..', '..')

export interface Program {
  url: string
  pid: number
  /** SIGTERM, and its end. */
  close(): Promise<void>
}

export interface ProgramOptions {
  /** Where it runs, keeps its data and writes its log. */
  folder: string
  env: Record<string, string | undefined>
  /** For Node itself. */
  nodeArgs?: string[]
  /** Whose program: this checkout's, or another one's. */
  checkout?: string | undefined
}

export async function startProgram(options: ProgramOptions): Promise<Program> {
  const { folder, env, nodeArgs = [], checkout = thisCheckout } = options
  const port = await freePort()
  const logPath = join(folder, `log-${port}`)
  const log = openSync(logPath, 'w')
  const child = spawn(process.execPath, [...nodeArgs, join(checkout, 'src', 'cli.ts'), 'serve'], {
    cwd: folder,
    env: environment(folder, port, env),
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  const release = guard(child.pid!)
  const ended = new Promise<number | null>((done) => child.once('exit', done))
  let hasEnded = false
  void ended.then(() => {
    hasEnded = true
    release()
  })
  const close = async () => {
    child.kill('SIGTERM')
    await ended
  }
  const url = `http://127.0.0.1:${port}`
  try {
    await until('the program to be ready', () => {
      if (hasEnded) throw new Error(`the program ended:\n${readFileSync(logPath, 'utf8').slice(-2_000)}`)
      // A worker answers no HTTP; what it prints is how one knows.
      return env.ROLE === 'worker' ? readFileSync(logPath, 'utf8').includes('a worker is ready') : answers(url)
    })
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
  return { url, pid: child.pid!, close }
}

/** Brings the database up to date, as an operator would. */
export async function migrate({ folder, env, checkout = thisCheckout }: ProgramOptions): Promise<void> {
  const args = [join(checkout, 'src', 'cli.ts'), 'migrate']
  await promisify(execFile)(process.execPath, args, { cwd: folder, env: environment(folder, 0, env) })
}

function answers(url: string): Promise<boolean> {
  return fetch(`${url}/readyz`).then(
    async (response) => (await response.arrayBuffer(), response.ok),
    () => false,
  )
}
