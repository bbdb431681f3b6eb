/** Somebody who sends a broadcast. Each is a process of its own; the parent holds the watch, or trusts the child's. */
import { fork } from 'node:child_process'
import { join } from 'node:path'
import type { FakeExpo } from '../../test/kit/expo.ts'
import { guard } from '../../test/kit/guard.ts'
import { cpuSecondsOf, peakRssMbOf } from '../kit/usage.ts'
import type { Done, Task } from './child.ts'

export interface Contestant {
  name: string
  /** Whose CPU time is its cost, the database's not included. */
  pid: number
  devices: number
  /** Sends to all of them once; answers how long it took. */
  run(): Promise<{ seconds: number }>
  close(): Promise<void>
}

export interface Run {
  devices: number
  seconds: number
  perSecond: number
  /** CPU seconds a million, of its own process and of the database's processes. */
  cpuPerMillion: number
  databaseCpuPerMillion: number
  peakRssMb: number
}

/** One run, and what it cost. Throws when it did not reach everybody exactly once. */
export async function measure(
  contestant: Contestant,
  { expo, latencyMs = 0, databasePid }: { expo: FakeExpo; latencyMs?: number; databasePid: number | undefined },
): Promise<Run> {
  await expo.reset({ remember: false, latencyMs })
  const { pid, devices } = contestant
  const databaseCpu = () => (databasePid === undefined ? Number.NaN : cpuSecondsOf(databasePid))
  const [before, databaseBefore] = [cpuSecondsOf(pid), databaseCpu()]
  const { seconds } = await contestant.run()
  const { accepted, violations } = await expo.report()
  if (accepted !== devices || violations.length > 0)
    throw new Error(`${contestant.name}: ${accepted} of ${devices} sent; ${violations.join(', ')}`)
  const million = devices / 1_000_000
  return {
    devices,
    seconds,
    perSecond: devices / seconds,
    cpuPerMillion: (cpuSecondsOf(pid) - before) / million,
    databaseCpuPerMillion: (databaseCpu() - databaseBefore) / million,
    peakRssMb: peakRssMbOf(pid),
  }
}

export interface ChildOptions {
  name: string
  /** The program beside this file. */
  program: 'sdk-loop' | 'sdk-at-once' | 'sdk-lists' | 'job-per-device' | 'bare'
  expo: FakeExpo
  devices: number
  env?: Record<string, string>
}

export async function openChild({ name, program, expo, devices, env = {} }: ChildOptions): Promise<Contestant> {
  // The official SDK reads this when it is imported.
  const own = { PATH: process.env.PATH, TZ: 'UTC', EXPO_BASE_URL: new URL(expo.sendUrl).origin }
  const child = fork(join(import.meta.dirname, `${program}.ts`), {
    execPath: process.execPath,
    env: { ...own, ...env },
  })
  const release = guard(child.pid!)
  const ended = new Promise<void>((done) => child.once('exit', () => done()))
  const answer = () =>
    new Promise<Done>((done, fail) => {
      const gone = (code: number | null) => fail(new Error(`${name} ended with ${code}`))
      child.once('exit', gone)
      child.once('message', (message) => {
        child.off('exit', gone)
        const said = message as Done
        if ('error' in said) fail(new Error(`${name}: ${said.error}`))
        else done(said)
      })
    })
  await answer()
  return {
    name,
    pid: child.pid!,
    devices,
    async run() {
      const done = answer()
      child.send({ devices, sendUrl: expo.sendUrl } satisfies Task)
      return { seconds: ((await done) as { ms: number }).ms / 1000 }
    },
    async close() {
      child.disconnect()
      await ended
      release()
    },
  }
}
