/** From the embedded database to PostgreSQL: who began in a folder goes on there, and nobody is told anything twice. */
import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { call } from '../kit/call.ts'
import { type FakeExpo, startFakeExpo } from '../kit/expo.ts'
import { sharedPostgres } from '../kit/global-setup.ts'
import { until } from '../kit/guard.ts'
import { query } from '../kit/postgres.ts'
import {
  mintToken,
  OPERATOR_KEY,
  runCommand,
  type Server,
  type ServerOptions,
  startServer,
  temporaryFolder,
} from '../kit/server.ts'

const preload = pathToFileURL(join(import.meta.dirname, '..', 'reliability', 'kit', 'failpoint-preload.ts')).href
const phones = ['ExponentPushToken[bens-phone]', 'ExponentPushToken[cleos-phone]']
const once = Object.fromEntries(phones.map((phone) => [phone, 1]))

let folder = ''
let DATABASE_URL = ''
let expo: FakeExpo
let server: Server
beforeEach(async () => {
  folder = temporaryFolder()
  expo = await startFakeExpo()
  DATABASE_URL = await (await sharedPostgres(18)).createDatabase()
})
afterEach(async () => {
  await server?.kill9()
  await expo?.close()
  rmSync(folder, { recursive: true, force: true })
})

async function start(env: ServerOptions['env'] = {}): Promise<void> {
  server = await startServer({ folder, env: { EXPO_PUSH_URL: expo.sendUrl, ...env } })
}
const move = (env: ServerOptions['env'] = {}) => runCommand(['move'], { folder, env: { DATABASE_URL, ...env } })

async function register(token: string, n: number): Promise<void> {
  const user = { token: mintToken(`user-${n}`), json: { push_token: token, device_type: 'ios' } }
  expect((await call('POST', `${server.url}/api/users/push-token`, user)).status).toBe(200)
}

const asOperator = <Body>(method: 'GET' | 'POST', path: string, json?: object) =>
  call<Body>(method, `${server.url}${path}`, { token: OPERATOR_KEY, ...(json && { json }) })

async function notify(title: string, send_at?: string): Promise<string> {
  const json = { to: 'everyone', title, ...(send_at !== undefined && { send_at }) }
  return (await asOperator<{ notification_id: string }>('POST', '/api/notifications', json)).body.notification_id
}

async function untilFinished(id: string): Promise<unknown> {
  const path = `/api/notifications/${id}`
  return until('the notification to be finished', async () => {
    const { body } = await asOperator<{ notification: { state: string; totals: object } }>('GET', path)
    return body.notification.state === 'finished' && body.notification.totals
  })
}

/** A folder with two phones, something that was sent, and something that waits for tomorrow. */
async function begin(): Promise<{ sent: string; waiting: string; totals: unknown }> {
  await start()
  for (const [n, phone] of phones.entries()) await register(phone, n)
  const sent = await notify('Sent')
  const totals = await untilFinished(sent)
  const waiting = await notify('Waiting', new Date(Date.now() + 86_400_000).toISOString())
  await server.stop()
  return { sent, waiting, totals }
}

const atHome = () => readdirSync(join(folder, 'data')).filter((name) => name.startsWith('pgdata'))

/** What waits is made due, by the database's own word: a test does not wait for a day. */
async function untilTomorrow(): Promise<void> {
  await query(DATABASE_URL, "update belfry.notifications set send_at = now() where state = 'queued'")
  await query(DATABASE_URL, "update belfry_queue.job set start_after = now() where state = 'created'")
}

test('all of it, and what waits is told once', async () => {
  const { sent, waiting, totals } = await begin()
  const { code, stdout, stderr } = await move()
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/push tokens +2\n/)
  expect(atHome()).toEqual([expect.stringMatching(/^pgdata\.moved-\d{8}T\d{6}$/)])
  await start({ DATABASE_URL })
  expect(await untilFinished(sent)).toEqual(totals)
  await untilTomorrow()
  await untilFinished(waiting)
  const third = 'ExponentPushToken[dans-phone]'
  await register(third, 2)
  const next = await notify('New')
  await untilFinished(next)
  expect(await expo.counts(sent)).toEqual(once)
  expect(await expo.counts(waiting)).toEqual(once)
  expect(await expo.counts(next)).toEqual({ ...once, [third]: 1 })
  const { body } = await asOperator<{ entries: { action: string }[] }>(
    'GET',
    '/api/operator/audit?action=database.move',
  )
  expect(body.entries).toHaveLength(1)
  await server.stop()
  const again = await move()
  expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('was moved to PostgreSQL')])
  const old = await runCommand(['migrate'], { folder })
  expect([old.code, old.stderr]).toEqual([1, expect.stringContaining('was moved to PostgreSQL. Set DATABASE_URL')])
})

describe('a move that dies', () => {
  for (const place of ['before_set_aside', 'after_set_aside'])
    test(`${place}: nothing has gone, and again it ends well`, async () => {
      const { waiting } = await begin()
      const died = await move({ NODE_OPTIONS: `--import=${preload}`, BELFRY_TEST_FAILPOINT: `${place}:1:kill` })
      expect(died.stderr).toContain(`failpoint ${place} met`)
      if (place === 'after_set_aside') {
        const old = await runCommand(['migrate'], { folder })
        expect([old.code, old.stderr]).toEqual([1, expect.stringContaining('run "belfry move" again')])
      }
      const { code, stderr } = await move()
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      await start({ DATABASE_URL })
      await untilTomorrow()
      await untilFinished(waiting)
      expect(await expo.counts(waiting)).toEqual(once)
    })

  test('after its commit: again says that everything has come', async () => {
    const { waiting } = await begin()
    expect((await move()).code).toBe(0)
    const [kept = ''] = atHome()
    // As it is when the process dies between the commit and the folder's last name.
    renameSync(join(folder, 'data', kept), join(folder, 'data', 'pgdata.moving'))
    const elsewhere = await (await sharedPostgres(18)).createDatabase()
    const wrong = await move({ DATABASE_URL: elsewhere })
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining(`on its way to PostgreSQL at`)])
    // Where the folder lies meanwhile, or how it is named, makes no difference.
    renameSync(join(folder, 'data'), join(folder, 'found'))
    const { code, stdout } = await move({ DATA_DIR: join(folder, 'found') })
    renameSync(join(folder, 'found'), join(folder, 'data'))
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('had come to PostgreSQL') })
    await start({ DATABASE_URL })
    await untilTomorrow()
    await untilFinished(waiting)
    expect(await expo.counts(waiting)).toEqual(once)
  })
})

test('limits of time that an administrator has set do not end it', async () => {
  await begin()
  expect((await runCommand(['migrate'], { folder, env: { DATABASE_URL } })).code).toBe(0)
  for (const limit of ['idle_in_transaction_session_timeout', 'transaction_timeout', 'statement_timeout'])
    await query(DATABASE_URL, `alter database ${new URL(DATABASE_URL).pathname.slice(1)} set ${limit} = '2s'`)
  const slow = { NODE_OPTIONS: `--import=${preload}`, BELFRY_TEST_FAILPOINT: 'before_set_aside:1:delay:3000' }
  expect(await move(slow)).toMatchObject({ code: 0, stderr: 'failpoint before_set_aside met: delay\n' })
})

test('a lost connection is told in a sentence, and again it ends well', async () => {
  await begin()
  const slow = { NODE_OPTIONS: `--import=${preload}`, BELFRY_TEST_FAILPOINT: 'after_set_aside:1:delay:1000' }
  const moving = move(slow)
  await until('the folder to be set aside', () => atHome().includes('pgdata.moving'))
  await query(
    DATABASE_URL,
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  )
  const { code, stderr } = await moving
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('Run the same command again') })
  expect(stderr).not.toContain('    at ')
  expect(await move()).toMatchObject({ code: 0, stdout: expect.stringMatching(/push tokens +2\n/) })
})

test('who has PostgreSQL needs no folder', async () => {
  writeFileSync(join(folder, 'data'), '')
  await start({ DATABASE_URL })
})

test('what does not go is told in a sentence, and changes nothing', async () => {
  const refused = async (says: string, env: ServerOptions['env'] = {}) => {
    const { code, stderr } = await move(env)
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(says) })
    expect(stderr).not.toContain('    at ')
  }
  await refused('DATABASE_URL is not set', { DATABASE_URL: undefined })
  await refused('does not answer (connect ECONNREFUSED', { DATABASE_URL: 'postgres://127.0.0.1:1/nowhere' })
  await refused('There is no database in')
  expect(existsSync(join(folder, 'data', 'pgdata'))).toBe(false)
  await start()
  await refused(`in use by another Belfry, process ${server.pid}`)
  await server.stop()
  await refused('there is nothing to move')
  expect(atHome()).toEqual(['pgdata'])
})

test('who changes to PostgreSQL and leaves a folder behind is told so', async () => {
  await begin()
  await start({ DATABASE_URL })
  const line = await server.untilLogged(/there is an embedded one in/)
  expect(line).toMatchObject({ level: 'warn', hint: expect.stringContaining('belfry move') })
  const { stdout } = await runCommand(['doctor'], { folder, env: { DATABASE_URL, PORT: String(server.port) } })
  expect(stdout).toMatch(/! database +It has no users, and there is an embedded database in/)
  await server.stop()
  expect((await move()).code).toBe(0)
  await start({ DATABASE_URL })
  expect(server.log().filter(({ msg }) => msg?.includes('embedded'))).toEqual([])
})
