/**
 * A test's own world: a database, the fake Expo and the real server, each a process (PGlite lives in the server's).
 * `for (const { name, open } of worlds) describe(name, ...)` runs a story on both databases.
 */
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { type Answer, type Call, call, eachOf } from './call.ts'
import { type FakeExpo, type Plan, startFakeExpo } from './expo.ts'
import { emptyPglite, sharedPostgres } from './global-setup.ts'
import { freePort, until } from './guard.ts'
import { query } from './postgres.ts'
import { mintToken, OPERATOR_KEY, type Server, type ServerOptions, startServer, temporaryFolder } from './server.ts'

export type DatabaseKind = 'pglite' | 'postgres'

export interface WorldOptions {
  /** On top of the kit's settings (server.ts) and of the fake Expo's address. */
  env?: ServerOptions['env']
  fake?: Partial<Plan>
  /** Instead of the run's shared PostgreSQL 18. */
  databaseUrl?: string
}

export interface World {
  kind: DatabaseKind
  /** The running server; another one after `restart`. */
  readonly server: Server
  expo: FakeExpo
  databaseUrl: string | undefined
  folder: string
  /** A person with an account; the same name is the same person. */
  user(id: string, claims?: Record<string, unknown>): Person
  /** Takes the devices of all its people away from them, as a log-out does. */
  logOutEverybody(): Promise<void>
  /** Any call, by path. */
  call<Body = Record<string, unknown>>(method: string, path: string, options?: Call): Promise<Answer<Body>>
  /** As the operator. */
  operator<Body = Record<string, unknown>>(method: string, path: string, options?: Call): Promise<Answer<Body>>
  /** Many devices at once, each of a user of its own, put straight into the database; answers their push tokens. */
  audience(count: number, options?: { prefix?: string; deviceType?: 'ios' | 'android' }): Promise<string[]>
  /** One statement in the database; on PGlite the server is stopped for it and started again. */
  sql<Row extends Record<string, unknown>>(text: string, values?: unknown[]): Promise<Row[]>
  /** Waits until nothing is left to send. */
  drain(options?: { timeoutMs?: number }): Promise<void>
  /** Starts the server again after it was stopped or killed, or stops it first. */
  restart(): Promise<Server>
  close(): Promise<void>
}

export interface Person {
  id: string
  token: string
  /** Registers a device; answers its push token. */
  register(device?: Device): Promise<string>
  unregister(body: { push_token?: string; installation_id?: string }): Promise<Answer>
  post(post?: Partial<Post>): Promise<Answer<PostAnswer>>
  message(to: string | Person, content: string, type?: string): Promise<Answer<MessageAnswer>>
  testPush(): Promise<Answer>
  call<Body = Record<string, unknown>>(method: string, path: string, options?: Call): Promise<Answer<Body>>
}

export interface Device {
  push_token?: string
  device_type?: string
  [field: string]: unknown
}
export interface Post {
  title: string
  text_content: string
  content_type: string
}
export interface PostAnswer {
  success: boolean
  post: Post & { id: string; user_id: string; created_at: string }
  notification_id: string
}
export interface MessageAnswer {
  success: boolean
  message: { id: string; sender_id: string; receiver_id: string; message_type: string; content: string }
  notification_id: string
}

export const worlds = (['pglite', 'postgres'] as const).map((kind) => ({
  kind,
  name: kind === 'pglite' ? 'on PGlite' : 'on PostgreSQL 18',
  open: (options: WorldOptions = {}) => openWorld({ database: kind, ...options }),
}))

let devices = 0
/** A push token that no other test uses. */
export function newPushToken(): string {
  const random = Math.random().toString(36).slice(2, 10).padEnd(8, '0')
  return `ExponentPushToken[${random}${String(process.pid).padStart(7, '0')}${String(++devices).padStart(7, '0')}]`
}

export async function openWorld({ database, ...options }: WorldOptions & { database: DatabaseKind }): Promise<World> {
  const folder = temporaryFolder()
  const expo = await startFakeExpo(options.fake)
  const databaseUrl =
    database === 'postgres' ? (options.databaseUrl ?? (await (await sharedPostgres(18)).createDatabase())) : undefined
  const port = await freePort()
  const env = { EXPO_PUSH_URL: expo.sendUrl, DATABASE_URL: databaseUrl, EXPO_RATE_LIMIT: '0', ...options.env }
  const schema = options.env?.DATABASE_SCHEMA ?? 'belfry'
  const start = () => startServer({ folder, port, env })
  if (database === 'pglite' && schema === 'belfry')
    cpSync(await emptyPglite(), join(folder, 'data', 'pgdata'), { recursive: true })
  let server: Server
  try {
    server = await start()
  } catch (error) {
    await expo.close()
    rmSync(folder, { recursive: true, force: true })
    throw error
  }

  const people = new Map<string, Person>()
  const world: World = {
    kind: database,
    expo,
    folder,
    databaseUrl,
    get server() {
      return server
    },
    user(id, claims) {
      const known = person(world, id, claims)
      people.set(id, known)
      return known
    },
    async logOutEverybody() {
      await eachOf(people.values(), 8, logOut)
      people.clear()
    },
    call: (method, path, more) => call(method, server.url + path, more),
    operator: (method, path, more) => call(method, server.url + path, { token: OPERATOR_KEY, ...more }),
    audience: (count, wish) => audience(world, schema, count, wish),
    async sql<Row extends Record<string, unknown>>(text: string, values: unknown[] = []) {
      if (databaseUrl !== undefined) return query<Row>(databaseUrl, text, values)
      await server.stop()
      const rows = await queryFolder<Row>(join(folder, 'data', 'pgdata'), text, values)
      server = await start()
      return rows
    },
    drain: (wish) => drain(world, schema, wish),
    async restart() {
      await server.stop()
      server = await start()
      return server
    },
    async close() {
      await server.kill9()
      await expo.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return world
}

function person(world: World, id: string, claims: Record<string, unknown> = { username: id }): Person {
  const token = mintToken(id, claims)
  const own: Person['call'] = (method, path, options) => world.call(method, path, { token, ...options })
  return {
    id,
    token,
    call: own,
    async register(device = {}) {
      const json = { push_token: newPushToken(), device_type: 'android', ...device }
      const answer = await own('POST', '/api/users/push-token', { json })
      if (answer.status !== 200) throw new Error(`registering answered ${answer.status}: ${answer.text}`)
      return json.push_token
    },
    unregister: (json) => own('DELETE', '/api/users/push-token', { json }),
    post: (post = {}) =>
      own('POST', '/api/posts/', { json: { title: 'A title', text_content: 'Words', content_type: 'note', ...post } }),
    message: (to, content, type = 'text') =>
      own('POST', '/message/send-message', {
        json: { receiver_id: typeof to === 'string' ? to : to.id, message_type: type, content },
      }),
    testPush: () => own('POST', `/test-push-notification/${encodeURIComponent(id)}`),
  }
}

async function logOut(someone: Person): Promise<void> {
  const { body } = await someone.call<{ push_tokens: { push_token: string }[] }>('GET', '/api/users/push-token')
  for (const { push_token } of body.push_tokens) await someone.unregister({ push_token })
}

async function audience(
  world: World,
  schema: string,
  count: number,
  { prefix = 'crowd', deviceType = 'android' }: { prefix?: string; deviceType?: string } = {},
): Promise<string[]> {
  const values = [prefix, count, deviceType]
  await world.sql(
    `with numbers as (select n, $1 || '-' || n as id from generate_series(1, $2::int) n),
       people as (insert into ${schema}.users (id) select id from numbers returning id)
     insert into ${schema}.push_tokens (user_id, token, device_type)
     select people.id, 'ExponentPushToken[' || people.id || ']', $3::text from people`,
    values,
  )
  return Array.from({ length: count }, (_, n) => `ExponentPushToken[${prefix}-${n + 1}]`)
}

/** How long the fake Expo must have been left alone before PGlite counts as drained; nobody can look into it meanwhile. */
const QUIET_MS = 500

/**
 * On PostgreSQL the ledger is asked. The embedded database has nobody but the server in it, so there the silence at
 * the fake Expo counts: a story that waits for retries or receipts waits for what it expects (`expo.untilTaken`).
 */
async function drain(world: World, schema: string, { timeoutMs = 120_000 } = {}): Promise<void> {
  if (world.databaseUrl !== undefined) {
    const open = `select
      (select count(*) from ${schema}.notifications where state in ('queued', 'sending')) +
      (select count(*) from ${schema}.deliveries where state < 2) as count`
    const isEmpty = async () => Number((await world.sql<{ count: string }>(open))[0]!.count) === 0
    await until('an empty ledger', isEmpty, { timeoutMs, everyMs: 50 })
    return
  }
  let last = -1
  let since = performance.now()
  await until(
    'silence at the fake Expo',
    async () => {
      const { requests, inFlight } = await world.expo.pulse()
      if (requests !== last || inFlight > 0) since = performance.now()
      last = requests
      return performance.now() - since > QUIET_MS
    },
    { timeoutMs },
  )
}

/** The embedded database of a stopped server. */
async function queryFolder<Row>(folder: string, text: string, values: unknown[]): Promise<Row[]> {
  const database = await PGlite.create({ dataDir: folder })
  try {
    return (await database.query<Row>(text, values)).rows
  } finally {
    await database.close()
  }
}

/** Registers many devices through the API: `[user, push token]` each. */
export async function registerAll(world: World, pairs: Iterable<[string, string]>, device: Device = {}): Promise<void> {
  await eachOf(pairs, 32, ([id, push_token]) => world.user(id).register({ ...device, push_token }))
}
