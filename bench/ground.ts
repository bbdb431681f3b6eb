/** What a measurement stands on: a fresh server with a database of its own, against the fake Expo, each a process. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { type Answer, type Call, call } from '../test/kit/call.ts'
import { type FakeExpo, type Plan, startFakeExpo } from '../test/kit/expo.ts'
import { until } from '../test/kit/guard.ts'
import { type Postgres, query } from '../test/kit/postgres.ts'
import { mintToken, type Server, startServer, temporaryFolder } from '../test/kit/server.ts'

export interface Ground {
  readonly server: Server
  expo: FakeExpo
  /** The server, a new process each time; whatever ran before must have ended. */
  start(): Promise<Server>
  /** Devices, each of a user of its own; on the embedded database only while the server is down. */
  devices(from: number, to: number): Promise<void>
  as(user: string, method: string, path: string, json?: Call['json']): Promise<Answer>
  /** Posts to everybody. */
  post(): Promise<{ id: string; ms: number }>
  close(): Promise<void>
}

/** @param postgres none: the embedded database. */
export async function openGround(postgres: Postgres | undefined, plan: Partial<Plan> = {}): Promise<Ground> {
  const folder = temporaryFolder()
  const expo = await startFakeExpo(plan)
  const databaseUrl = await postgres?.createDatabase()
  const env = { EXPO_PUSH_URL: expo.sendUrl, DATABASE_URL: databaseUrl, EXPO_RATE_LIMIT: '0' }
  let server = await startServer({ folder, env })
  await server.stop()
  const tokens = new Map<string, string>()
  const ground: Ground = {
    expo,
    get server() {
      return server
    },
    async start() {
      return (server = await startServer({ folder, env }))
    },
    async devices(from, to) {
      if (databaseUrl !== undefined) return void (await query(databaseUrl, INSERT, [from, to]))
      const database = await PGlite.create({ dataDir: join(folder, 'data', 'pgdata') })
      await database.query(INSERT, [from, to])
      await database.close()
    },
    as(user, method, path, json) {
      const token = tokens.get(user) ?? mintToken(user, { username: user })
      tokens.set(user, token)
      return call(method, server.url + path, { token, ...(json === undefined ? {} : { json }) })
    },
    async post() {
      const json = { title: 'A title', text_content: 'Words', content_type: 'note' }
      const { status, body, ms } = await ground.as('author', 'POST', '/api/posts/', json)
      if (status !== 200) throw new Error(`the post was answered with ${status}`)
      return { id: body.notification_id as string, ms }
    },
    async close() {
      await server.kill9()
      await expo.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return ground
}

const INSERT = `
  with people as (
    insert into belfry.users (id) select 'crowd-' || n from generate_series($1::int, $2::int) n returning id)
  insert into belfry.push_tokens (user_id, token, device_type)
  select id, 'ExponentPushToken[' || id || ']', case when row_number() over () % 2 = 0 then 'ios' else 'android' end
  from people`

/** Waits until the fake Expo has been left alone for a second. */
export async function silence(expo: FakeExpo): Promise<void> {
  let last = -1
  let since = performance.now()
  const isQuiet = async () => {
    const { requests, inFlight } = await expo.pulse()
    if (requests !== last || inFlight > 0) since = performance.now()
    last = requests
    return performance.now() - since > 1_000
  }
  await until('silence at the fake Expo', isQuiet, { timeoutMs: 120_000, everyMs: 50 })
}

export function quantile(values: number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN
}
