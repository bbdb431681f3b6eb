/** `npm start` as a newcomer types it: how soon it is ready, and what memory it takes. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, guard, until } from '../../test/kit/guard.ts'
import { environment, startServer, temporaryFolder } from '../../test/kit/server.ts'
import { quantile } from '../ground.ts'
import type { Bar } from './bar.ts'

const RUNS = 3

export async function startUpBars(): Promise<Bar[]> {
  const [first, second, peaks]: number[][] = [[], [], []]
  for (let run = 0; run < RUNS; run++) {
    const folder = temporaryFolder()
    try {
      const fresh = await npmStart(folder)
      first!.push(fresh.readyMs)
      peaks!.push(fresh.peakMb)
      second!.push((await npmStart(folder)).readyMs)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
  return [
    { bar: '`npm start` is ready, the first time', limit: 8_000, measured: quantile(first!, 0.5), unit: 'ms' },
    { bar: '`npm start` is ready, after that', limit: 4_000, measured: quantile(second!, 0.5), unit: 'ms' },
    { bar: 'peak RSS of the first start, PGlite', limit: 450, measured: Math.max(...peaks!), unit: 'MB' },
    { bar: 'a second start on the same folder is refused', limit: 2_000, measured: await refusedMs(), unit: 'ms' },
  ]
}

async function refusedMs(): Promise<number> {
  const folder = temporaryFolder()
  const server = await startServer({ folder })
  const asked = performance.now()
  const second = await startServer({ folder }).catch(() => undefined)
  const ms = second ? Number.POSITIVE_INFINITY : performance.now() - asked
  await second?.kill9()
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
  return ms
}

async function npmStart(folder: string): Promise<{ readyMs: number; peakMb: number }> {
  const port = await freePort()
  const started = performance.now()
  const npm = spawn('npm', ['start'], {
    cwd: join(import.meta.dirname, '..', '..'),
    env: environment(folder, port),
    stdio: 'ignore',
    detached: true,
  })
  const release = guard(npm.pid!)
  try {
    const isReady = () =>
      fetch(`http://127.0.0.1:${port}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      )
    await until('npm start to be ready', isReady, { timeoutMs: 60_000 })
    const readyMs = performance.now() - started
    const server = youngest(npm.pid!)
    const peakMb = Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${server}/status`, 'utf8'))?.[1]) / 1024
    process.kill(server, 'SIGTERM')
    await ended(npm)
    return { readyMs, peakMb }
  } finally {
    if (npm.exitCode === null) process.kill(-npm.pid!, 'SIGKILL')
    release()
  }
}

/** The server itself is the last of npm, its shell, and Node. */
function youngest(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return children === '' ? pid : youngest(Number(children.split(' ')[0]))
}

function ended(child: ChildProcess): Promise<unknown> {
  return new Promise((done) => (child.exitCode === null ? child.once('exit', done) : done(undefined)))
}
