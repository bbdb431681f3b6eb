/** Belfry, as it is started by anybody: a post over HTTP, from its first byte to the end of the broadcast. */
import { rmSync } from 'node:fs'
import pg from 'pg'
import { call } from '../../test/kit/call.ts'
import type { FakeExpo } from '../../test/kit/expo.ts'
import { until } from '../../test/kit/guard.ts'
import { mintToken, OPERATOR_KEY, temporaryFolder } from '../../test/kit/server.ts'
import type { Blanks } from '../kit/blanks.ts'
import { insertIntoFolder, insertIntoPostgres } from '../kit/devices.ts'
import { type Program, startProgram } from '../kit/program.ts'
import type { Contestant } from './contestant.ts'

export interface Belfry extends Contestant {
  url: string
  databaseUrl: string | undefined
  /** Posts to everybody, and does not wait. */
  post(): Promise<{ id: string; ms: number }>
  /** Waits until a broadcast has ended, in the ledger. */
  finished(id: string): Promise<void>
}

export interface BelfryOptions {
  name: string
  expo: FakeExpo
  blanks: Blanks
  on: 'postgres' | 'pglite'
  devices: number
  env?: Record<string, string>
  /** Of another checkout. */
  checkout?: string
  /** For Node itself. */
  nodeArgs?: string[]
}

const LOOK_EVERY_MS = 10
const TIMEOUT_MS = 600_000

/** A database of its own with the devices in it, and the program on it. */
export async function openBelfry(options: BelfryOptions): Promise<Belfry> {
  const { name, expo, blanks, on, devices, env = {}, checkout, nodeArgs = [] } = options
  const folder = temporaryFolder()
  const databaseUrl = on === 'postgres' ? await blanks.database(checkout) : undefined
  const settings = { EXPO_PUSH_URL: expo.sendUrl, DATABASE_URL: databaseUrl, EXPO_RATE_LIMIT: '0', ...env }
  if (databaseUrl === undefined) {
    await blanks.fill(folder, checkout)
    await insertIntoFolder(folder, 1, devices)
  } else await insertIntoPostgres(databaseUrl, 1, devices)
  const program = await startProgram({ folder, env: settings, checkout, nodeArgs })
  return {
    name,
    pid: program.pid,
    devices,
    databaseUrl,
    ...(await poster({ expo, program, devices, databaseUrl })),
    async close() {
      await program.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

interface PosterOptions {
  expo: FakeExpo
  /** Who answers HTTP. */
  program: Program
  devices: number
  databaseUrl: string | undefined
}

type Poster = Pick<Belfry, 'url' | 'post' | 'finished' | 'run'>

export async function poster({ expo, program: { url }, devices, databaseUrl }: PosterOptions): Promise<Poster> {
  const token = mintToken('author', { username: 'author' })
  const options = { timeoutMs: TIMEOUT_MS, everyMs: LOOK_EVERY_MS }
  const post: Belfry['post'] = async () => {
    const json = { title: 'A title', text_content: 'Words', content_type: 'note' }
    const { status, body, ms } = await call('POST', `${url}/api/posts/`, { token, json })
    if (status !== 200) throw new Error(`the post was answered with ${status}`)
    return { id: body.notification_id as string, ms }
  }
  const finished: Belfry['finished'] = async (id) => {
    await until('the end of the broadcast', () => isFinished(url, databaseUrl, id), options)
  }
  return {
    url,
    post,
    finished,
    async run() {
      const started = performance.now()
      const { id } = await post()
      await untilAllAreTold(expo, devices)
      await finished(id)
      return { seconds: (performance.now() - started) / 1000 }
    },
  }
}

/** To look every 10 ms would cost a tenth of what is measured: it is left alone for half of what it seems to need still. */
async function untilAllAreTold(expo: FakeExpo, devices: number): Promise<void> {
  const started = performance.now()
  let taken = 0
  const areTold = async () => (taken = (await expo.pulse()).accepted) >= devices
  const everyMs = () => {
    const elapsed = performance.now() - started
    const left = taken === 0 ? 0 : (elapsed / taken) * (devices - taken)
    // It is slow at first.
    return Math.max(LOOK_EVERY_MS, Math.min(left, elapsed) / 2)
  }
  await until('everybody at the fake Expo', areTold, { timeoutMs: TIMEOUT_MS, everyMs })
}

/** One row of PostgreSQL when it can be asked, so that the program is left alone; else the program itself. */
async function isFinished(url: string, databaseUrl: string | undefined, id: string): Promise<boolean> {
  if (databaseUrl === undefined) {
    const { body } = await call('GET', `${url}/api/notifications/${id}`, { token: OPERATOR_KEY })
    return (body.notification as { state?: string } | undefined)?.state === 'finished'
  }
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const { rows } = await client.query('select 1 from belfry.notifications where id = $1 and state = $2', [
      id,
      'finished',
    ])
    return rows.length === 1
  } finally {
    await client.end()
  }
}
