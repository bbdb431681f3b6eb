/** Alive, ready, degraded, not ready: told apart; and a worker that is given a port tells it, too. */
import { randomUUIDv7 } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { closeBreaker, openBreaker, readPaces } from '../../src/store/ledger/pace.ts'
import { insertNotification } from '../../src/store/notifications/notifications.ts'
import { openApi } from '../api/world.ts'
import { call } from '../kit/call.ts'
import { startFakeExpo } from '../kit/expo.ts'
import { sharedPostgres } from '../kit/global-setup.ts'
import { freePort, until } from '../kit/guard.ts'
import { OPERATOR_KEY, startServer } from '../kit/server.ts'

interface Readiness {
  status: string
  reasons?: { code: string; sentence: string }[]
}

let world: Awaited<ReturnType<typeof openApi>>
let isWorking = true
beforeAll(async () => {
  world = await openApi({ isWorking: () => isWorking })
})
afterAll(() => world.close())

const readyz = () => call<Readiness>('GET', `${world.url}/readyz`)
const untilCodes = (...codes: string[]) =>
  until(`the reasons ${codes.join(', ')}`, async () => {
    const answer = await readyz()
    const found = answer.body.reasons?.map(({ code }) => code) ?? []
    return JSON.stringify(found) === JSON.stringify(codes) && answer
  })

test('what somebody should look at is degraded, not down, and names nobody', async () => {
  const { db } = world.database
  expect(await readyz()).toMatchObject({ status: 200, body: { status: 'ready', database: 'ok', queue: 'ok' } })

  await openBreaker(db, 'project-of-somebody', 'Expo said ExponentPushToken[abc]', 60_000, 60_000)
  await sql`insert into ${db.t.alarms} (kind, project) values ('flood', 'project-of-somebody'), ('credentials', 'project-of-somebody')`.execute(
    db.kysely,
  )
  const degraded = await untilCodes('breaker_open', 'flood_held', 'credentials')
  expect(degraded).toMatchObject({ status: 200, body: { status: 'degraded', database: 'ok', queue: 'ok' } })
  expect(degraded.text).not.toMatch(/project-of-somebody|ExponentPushToken/)
  expect((await call('GET', `${world.url}/healthz`)).body).toMatchObject({ status: 'ok' })

  await closeBreaker(db, 'project-of-somebody')
  await sql`update ${db.t.alarms} set resolved_at = ${db.now}`.execute(db.kysely)
  expect((await untilCodes()).body.status).toBe('ready')
})

test('a breaker that nothing has tried for a minute keeps nothing back', async () => {
  const { db } = world.database
  await openBreaker(db, 'project', 'Expo is away', 0, 0)
  const ends = (ago: string) =>
    sql`update ${db.t.pace} set breaker_until = ${db.now} - ${ago}::interval where project = 'project'`.execute(
      db.kysely,
    )
  const isOpen = async () => (await readPaces(db, 600)).some(({ open }) => open)
  await ends('30 seconds')
  await untilCodes('breaker_open')
  expect(await isOpen()).toBe(true)
  await ends('61 seconds')
  await untilCodes()
  expect(await isOpen()).toBe(false)
  await closeBreaker(db, 'project')
})

test('a direct notification that waits, and a broadcast that does not move, are late', async () => {
  const { db } = world.database
  const [direct, broadcast, later] = [randomUUIDv7(), randomUUIDv7(), randomUUIDv7()]
  const common = { kind: 'notify', content: { title: 'x' }, createdBy: null, ttlSeconds: 86_400 } as const
  await insertNotification(db, { ...common, id: direct, lane: 'direct', audience: { users: ['a'] } })
  await insertNotification(db, { ...common, id: broadcast, lane: 'broadcast', audience: { everyone: true } })
  const sendAt = new Date(Date.now() + 3_600_000)
  await insertNotification(db, { ...common, id: later, lane: 'direct', audience: { users: ['a'] }, sendAt })
  await untilCodes()
  await sql`update ${db.t.notifications} set created_at = ${db.now} - interval '10 minutes'`.execute(db.kysely)
  expect((await untilCodes('direct_late', 'broadcasts_late')).status).toBe(200)
  await sql`update ${db.t.notifications} set state = 'paused'`.execute(db.kysely)
  await untilCodes()
})

test('while starting or stopping it is not ready, and alive', async () => {
  isWorking = false
  expect(await readyz()).toMatchObject({ status: 503, body: { status: 'not ready', code: 'not_ready' } })
  expect((await call('GET', `${world.url}/healthz`)).status).toBe(200)
  isWorking = true
  expect((await readyz()).status).toBe(200)
})

test('a worker with a port answers how it is, and what it has counted, and nothing else', async () => {
  const expo = await startFakeExpo()
  const [port, ownPort] = [await freePort(), await freePort()]
  const DATABASE_URL = await (await sharedPostgres(18)).createDatabase()
  const env = { DATABASE_URL, EXPO_PUSH_URL: expo.sendUrl, PORT: String(ownPort), WORKER_PORT: String(port) }
  const worker = await startServer({ args: ['worker'], port, env })
  const ask = (path: string, headers = {}) => call('GET', worker.url + path, { headers })
  try {
    expect((await ask('/healthz')).body).toMatchObject({ status: 'ok' })
    expect((await ask('/readyz')).body).toMatchObject({ status: 'ready', mode: 'expo' })
    expect((await ask('/metrics')).text).toMatch(/belfry_build_info\{.*role="worker".*\} 1/)
    expect((await ask('/metrics', { 'x-forwarded-for': '203.0.113.7' })).status).toBe(401)
    const authorization = `Bearer ${OPERATOR_KEY}`
    expect((await ask('/metrics', { 'x-forwarded-for': '203.0.113.7', authorization })).status).toBe(200)
    expect((await ask('/api/operator/now', { authorization })).status).toBe(404)
    await expect(fetch(`http://127.0.0.1:${ownPort}/healthz`)).rejects.toThrow('fetch failed')
    expect(await worker.stop()).toBe(0)
  } finally {
    await worker.kill9()
    await expo.close()
  }
})
