/** One run's world: a database with a crowd of devices, the fake Expo, and any number of the program's processes. */
import { rmSync } from 'node:fs'
import { type Answer, type Call, call } from '../../kit/call.ts'
import { type FakeExpo, type Plan, startFakeExpo } from '../../kit/expo.ts'
import { freePort, until } from '../../kit/guard.ts'
import { type Postgres, query } from '../../kit/postgres.ts'
import { mintToken, OPERATOR_KEY } from '../../kit/server.ts'
import { type Ground, type Kind, nameOf, tokenOf } from './ground.ts'
import { type Program, type Start, startProgram } from './program.ts'
import { openProxy, type Proxy } from './proxy.ts'
import { pause } from './seed.ts'

/** Stands in every title and body of a run; no log may hold it. */
export const CANARY = 'canary-7f3a9c'

export interface Wish {
  kind: Kind
  devices: number
  fake?: Partial<Plan>
  env?: Record<string, string>
  /** The program reaches its database through a proxy. */
  proxied?: boolean
  /** Instead of the ground's own. */
  postgres?: Postgres
  /** What the program is told Expo's address is, when not the fake's own. */
  sendUrl?: (real: string) => string | Promise<string>
}

export interface World {
  kind: Kind
  devices: number
  folder: string
  expo: FakeExpo
  databaseUrl: string | undefined
  proxy: Proxy | undefined
  /** Every process that was ever started here, the dead ones too. */
  programs: Program[]
  /** What the API answered 2xx to, by notification, and the push tokens that it is for (null: everyone's). */
  accepted: Map<string, string[] | null>
  /** Deaths that can have cut off requests in flight: their number is in promise 3. */
  kills: number
  start(start?: Start): Promise<Program>
  /** SIGKILL. @returns how many requests were in flight at that moment, as Expo saw it. */
  kill(program: Program): Promise<number>
  call<Body = Record<string, unknown>>(method: string, path: string, options?: Call): Promise<Answer<Body>>
  operator<Body = Record<string, unknown>>(method: string, path: string, options?: Call): Promise<Answer<Body>>
  /** A post to everyone; written down when it was accepted. */
  post(key?: string): Promise<Answer<{ notification_id: string }>>
  /** Again and again with one key until it is accepted. @returns the notification. */
  mustPost(): Promise<string>
  /** A message to the owner of a device, by the device's number. */
  message(n: number): Promise<Answer<{ notification_id: string }>>
  notify(body: object): Promise<string>
  /** Straight to the database, past the proxy; PostgreSQL only. */
  sql<Row extends Record<string, unknown>>(text: string, values?: unknown[]): Promise<Row[]>
  /** Until everything that was accepted has ended. */
  settled(timeoutMs?: number): Promise<void>
  stopAll(): Promise<void>
  close(): Promise<void>
}

/** The clock of a run may jump by days; its bearer tokens stay valid. */
const claims = { username: 'Poster', exp: Math.floor(Date.now() / 1000) + 30 * 86_400 }

export async function openWorld(ground: Ground, wish: Wish): Promise<World> {
  const { folder, databaseUrl } = await ground.prepare(wish.kind, wish.devices, wish.postgres)
  const expo = await startFakeExpo(wish.fake)
  const proxy = wish.proxied && databaseUrl ? await openProxy(Number(new URL(databaseUrl).port)) : undefined
  const port = await freePort()
  const seenUrl = proxy && databaseUrl ? Object.assign(new URL(databaseUrl), { port: proxy.port }).href : databaseUrl
  const env = {
    EXPO_PUSH_URL: (await wish.sendUrl?.(expo.sendUrl)) ?? expo.sendUrl,
    EXPO_RATE_LIMIT: '0',
    DATABASE_URL: seenUrl,
    ...wish.env,
  }
  let keys = 0
  const poster = mintToken('poster', claims)
  const url = () => world.programs.findLast((one) => one.role !== 'worker' && one.isRunning())?.url
  const world: World = {
    kind: wish.kind,
    devices: wish.devices,
    folder,
    expo,
    databaseUrl,
    proxy,
    programs: [],
    accepted: new Map(),
    kills: 0,
    async start(start = {}) {
      const ownPort = start.role === undefined || start.role === 'all' ? port : undefined
      const program = await startProgram(folder, { port: ownPort, ...start, env: { ...env, ...start.env } })
      world.programs.push(program)
      return program
    },
    async kill(program) {
      const { inFlight } = await expo.pulse()
      world.kills++
      await program.kill9()
      return inFlight
    },
    call: async (method, path, options) => call(method, (url() ?? `http://127.0.0.1:${port}`) + path, options),
    operator: (method, path, options) => world.call(method, path, { token: OPERATOR_KEY, ...options }),
    async post(key) {
      const json = { title: `Post ${CANARY}`, text_content: 'Words', content_type: 'note' }
      const headers: Record<string, string> = key === undefined ? {} : { 'idempotency-key': key }
      return noted(null, await world.call('POST', '/api/posts/', { token: poster, json, headers }))
    },
    async mustPost() {
      const key = `post-${++keys}`
      return until('a post to be accepted', async () => {
        const answer = await world.post(key).catch(() => undefined)
        return answer?.status === 200 ? answer.body.notification_id : undefined
      })
    },
    async message(n) {
      const json = { receiver_id: nameOf(n), message_type: 'text', content: `Hello ${CANARY}` }
      return noted([tokenOf(n)], await world.call('POST', '/message/send-message', { token: poster, json }))
    },
    async notify(body) {
      const json = { title: `Notice ${CANARY}`, body: 'Words', ...body }
      const answer = await world.operator<{ notification_id: string }>('POST', '/api/notifications', { json })
      if (answer.status !== 202) throw new Error(`notify answered ${answer.status}: ${answer.text}`)
      world.accepted.set(answer.body.notification_id, null)
      return answer.body.notification_id
    },
    sql: (text, values) => query(databaseUrl!, text, values),
    settled: (timeoutMs) => settled(world, timeoutMs),
    async stopAll() {
      for (const program of world.programs) {
        program.signal('SIGCONT')
        if (program.isRunning()) await program.stop()
      }
    },
    async close() {
      for (const program of world.programs) if (program.isRunning()) await program.kill9()
      await proxy?.close()
      await expo.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  function noted<A extends Answer<{ notification_id: string }>>(targets: string[] | null, answer: A): A {
    if (answer.status === 200) world.accepted.set(answer.body.notification_id, targets)
    return answer
  }
  return world
}

async function settled(world: World, timeoutMs = 60_000): Promise<void> {
  await until('everything that was accepted to end', () => isSettled(world).catch(() => false), {
    timeoutMs,
    everyMs: 100,
  })
}

async function isSettled(world: World): Promise<boolean> {
  if (world.databaseUrl !== undefined) {
    const [row] = await world.sql<{ open: boolean }>(`
      select exists (select from belfry.notifications where state in ('queued', 'sending', 'paused'))
        or exists (select from belfry.deliveries where state < 2) as open`)
    return row?.open === false
  }
  for (const state of ['queued', 'sending', 'paused']) {
    const answer = await world.operator<{ notifications: unknown[] }>(
      'GET',
      `/api/notifications?limit=1&state=${state}`,
    )
    if (answer.status !== 200 || answer.body.notifications.length > 0) return false
  }
  return true
}

/** Whether no broadcast is under way; one that cannot be asked about may be. */
export async function isIdle(world: World): Promise<boolean> {
  const answer = await world.operator<{ notifications: unknown[] }>(
    'GET',
    '/api/notifications?lane=broadcast&state=sending&limit=1',
  )
  return answer.status === 200 && answer.body.notifications.length === 0
}

/** Messages to people of the crowd, one after the other, while something else goes on. */
export function talk(world: World, everyMs: number, chooseDevice: () => number): { stop(): Promise<number> } {
  let isOver = false
  let count = 0
  const talking = (async () => {
    while (!isOver) {
      const from = performance.now()
      const answer = await world.message(chooseDevice()).catch(() => undefined)
      if (answer?.status === 200) count++
      await pause(Math.max(1, everyMs - (performance.now() - from)))
    }
  })()
  return {
    async stop() {
      isOver = true
      await talking
      return count
    },
  }
}

/** Waits for a moment in which a kill hurts: requests are at Expo, and something new has come since. */
export async function untilBusy(world: World, newRequests: number, timeoutMs = 30_000): Promise<void> {
  const before = (await world.expo.pulse()).requests
  const busy = async () => {
    const { requests, inFlight } = await world.expo.pulse()
    return inFlight > 0 && requests >= before + newRequests
  }
  await until('requests in flight', busy, { timeoutMs, everyMs: 5 })
}
