/** Keeps the promise that tests leave nothing behind, also when the test process itself is killed. */
import { spawn } from 'node:child_process'
import { createServer } from 'node:net'

/**
 * Watches over a process that we started: when we die without releasing it, a shell kills it and removes its folder.
 * The shell reads from a pipe that only we hold, so our end, however it comes, is the end of its input.
 */
export function guard(pid: number, options: { signal?: 'KILL' | 'QUIT'; folder?: string } = {}): () => void {
  const script = 'if read -r word; then exit 0; fi; kill "-$2" "$1" 2>/dev/null; sleep 1; [ -z "$3" ] || rm -rf "$3"'
  const shell = spawn('/bin/sh', ['-c', script, 'guard', String(pid), options.signal ?? 'KILL', options.folder ?? ''], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  shell.unref()
  shell.stdin.on('error', () => {})
  ;(shell.stdin as unknown as { unref(): void }).unref()
  return () => void shell.stdin.end('released\n')
}

/** Below those that a system gives to whoever asks for any port, or connects to one; and none that browsers refuse. */
const PORTS = { from: 11_000, to: 32_000 }
/** The workers of a run take turns, so that none is given what another is about to use; other runs begin elsewhere. */
const WORKERS = 8
const worker = Number(process.env.VITEST_POOL_ID ?? 0) % WORKERS
let nextPort = PORTS.from + WORKERS * Math.floor((Math.random() * (PORTS.to - PORTS.from)) / WORKERS) + worker

/** A port on loopback that nobody listens on, and that nobody else of this run is given before it is taken. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = nextPort
    nextPort = port + WORKERS < PORTS.to ? port + WORKERS : PORTS.from + worker
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((answer) => {
    server.once('error', () => answer(false)).listen(port, '127.0.0.1', () => server.close(() => answer(true)))
  })
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Asks again every `everyMs` until the answer is there; says what it waited for when it never comes. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | null | false> | T | undefined | null | false,
  { timeoutMs = 120_000, everyMs = 25 }: { timeoutMs?: number; everyMs?: number | (() => number) } = {},
): Promise<T> {
  const end = performance.now() + timeoutMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined && answer !== null && answer !== false) return answer
    if (performance.now() > end) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`)
    await new Promise((resume) => setTimeout(resume, typeof everyMs === 'number' ? everyMs : everyMs()))
  }
}
