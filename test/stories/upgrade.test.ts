/**
 * An upgrade without a gap: the version before this one, taken from the project's history, goes on answering and sending
 * while this one migrates the database under it and takes over. Nobody is lost, and nobody hears twice.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call } from '../kit/call.ts'
import { type FakeExpo, startFakeExpo } from '../kit/expo.ts'
import { sharedPostgres } from '../kit/global-setup.ts'
import { until } from '../kit/guard.ts'
import { query } from '../kit/postgres.ts'
import { mintToken, runCommand, type Server, type ServerOptions, startServer } from '../kit/server.ts'

/** The last commit with the migrations of the version before this one; with a release it becomes that one's tag. */
const PREVIOUS = '5f624abb3e059c79d3b0a6e9002b4ede3c2d6fe6'
const DEVICES = 3_000
/** What is meant to be met in flight lasts for seconds; what follows does not. */
const SLOW_MS = 1_000
const FAST_MS = 200
const project = join(import.meta.dirname, '..', '..')

const git = (...args: string[]) => execFileSync('git', args, { cwd: project, maxBuffer: 2 ** 30, stdio: 'pipe' })
const hasHistory = (() => {
  try {
    git('cat-file', '-e', `${PREVIOUS}^{commit}`)
    return true
  } catch {
    return false
  }
})()

const why = hasHistory ? '' : ' (skipped: no history)'

describe.runIf(hasHistory)(`an upgrade beside the version before${why}`, () => {
  let folder: string
  let expo: FakeExpo
  let url: string
  let env: ServerOptions['env']
  const started: Server[] = []

  beforeAll(async () => {
    mkdirSync(join(project, '.tmp'), { recursive: true })
    folder = mkdtempSync(join(project, '.tmp', 'previous-'))
    execFileSync('tar', ['-x', '-C', folder], { input: git('archive', PREVIOUS, 'src', 'package.json') })
    symlinkSync(join(project, 'node_modules'), join(folder, 'node_modules'))
    expo = await startFakeExpo({ latencyMs: SLOW_MS })
    url = await (await sharedPostgres()).createDatabase()
    env = { DATABASE_URL: url, EXPO_PUSH_URL: expo.sendUrl, EXPO_RATE_LIMIT: '0', RECEIPT_DELAY_MS: '1000' }
  })
  afterAll(async () => {
    for (const server of started) await server.kill9()
    await expo?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  async function start(version: 'previous' | 'this', role: 'api' | 'worker'): Promise<Server> {
    const server = await startServer({
      folder,
      env: { ...env, ROLE: role },
      ...(version === 'previous' && { program: folder }),
      waitFor: role === 'worker' ? 'said' : 'ready',
    })
    started.push(server)
    return server
  }
  const migrations = async () =>
    (await query<{ name: string }>(url, 'select name from belfry.migrations order by name')).map((row) => row.name)

  test('the old worker goes on after the migration, both work side by side, the old ones leave, and the books balance', async () => {
    const oldApi = await start('previous', 'api')
    const oldWorker = await start('previous', 'worker')
    const before = await migrations()
    await crowd(url)
    const said = new Map<string, string>()
    const posts = [await post(oldApi)]
    await untilBusy(expo)

    const migrated = await runCommand(['migrate'], { env: { ...env } })
    expect([migrated.code, migrated.stderr]).toEqual([0, ''])
    const after = await migrations()
    expect(after.slice(0, before.length)).toEqual(before)
    expect(after.length).toBeGreaterThan(before.length)

    await expo.plan({ latencyMs: FAST_MS })
    // Nobody but the old ones is there, so what arrives now was answered and sent by them.
    await everythingWorks(oldApi, said)
    posts.push(await post(oldApi))
    await untilHeard(expo, posts[1]!, 1)

    const newApi = await start('this', 'api')
    const newWorker = await start('this', 'worker')
    await everythingWorks(newApi, said)
    await everythingWorks(oldApi, said)
    await expo.plan({ latencyMs: SLOW_MS })
    posts.push(await post(newApi), await post(oldApi))
    await untilBusy(expo)
    expect([await oldWorker.stop(), await oldApi.stop()]).toEqual([0, 0])
    await expo.plan({ latencyMs: FAST_MS })

    posts.push(await post(newApi))
    await everythingWorks(newApi, said)
    for (const id of posts) await untilHeard(expo, id, DEVICES)
    await untilSettled(url)
    // Also those of which the old worker could not read the tickets: it has left them to whoever can.
    await untilHandedOver(url)
    const once = Object.fromEntries(Array.from({ length: DEVICES }, (_, n) => [`ExponentPushToken[crowd-${n + 1}]`, 1]))
    for (const id of posts) {
      const counts = await expo.counts(id)
      for (const phone of said.values()) delete counts[phone]
      expect(counts).toEqual(once)
    }
    for (const [id, phone] of said) expect(await expo.counts(id)).toEqual({ [phone]: 1 })
    expect((await expo.report()).violations).toEqual([])
    expect(oldWorker.log().filter((line) => line.fact === 'job.failed')).toEqual([])
    expect(newWorker.log().filter((line) => line.fact === 'job.failed')).toEqual([])
  })

  test('one of that version that is started anew says in a sentence that the database is newer', async () => {
    // It knows no mark of compatibility; from this version on it would come up (test/store/compatibility.test.ts).
    await expect(start('previous', 'worker')).rejects.toThrow(/ended with 1:[^]*written by a newer version/)
  })
})

async function crowd(url: string): Promise<void> {
  await query(
    url,
    `with people as (
       insert into belfry.users (id) select 'crowd-' || n from generate_series(1, $1::int) n returning id)
     insert into belfry.push_tokens (user_id, token, device_type)
     select id, 'ExponentPushToken[' || id || ']', 'android' from people`,
    [DEVICES],
  )
}

async function post(api: Server): Promise<string> {
  const json = { title: 'A title', text_content: 'Words', content_type: 'note' }
  const answer = await call<{ notification_id: string }>('POST', `${api.url}/api/posts/`, {
    token: mintToken('ana'),
    json,
  })
  expect(answer.status).toBe(200)
  return answer.body.notification_id
}

/** A phone registers, gets a message, rings at a test push and logs out. */
async function everythingWorks(api: Server, said: Map<string, string>): Promise<void> {
  const user = `friend-${said.size + 1}`
  const phone = { push_token: `ExponentPushToken[${user}]`, device_type: 'ios' }
  const asUser = { token: mintToken(user) }
  const tokens = `${api.url}/api/users/push-token`
  expect((await call('POST', tokens, { ...asUser, json: phone })).status).toBe(200)
  const json = { receiver_id: user, message_type: 'text', content: 'Hello' }
  const message = await call<{ notification_id: string }>('POST', `${api.url}/message/send-message`, {
    token: mintToken('ana'),
    json,
  })
  expect(message.status).toBe(200)
  said.set(message.body.notification_id, phone.push_token)
  const rung = await call('POST', `${api.url}/test-push-notification/${user}`, asUser)
  expect([rung.status, rung.body]).toMatchObject([200, { success: true, sent: 1 }])
  const remove = { ...asUser, json: { push_token: phone.push_token } }
  expect((await call('DELETE', tokens, remove)).status).toBe(200)
}

const untilBusy = (expo: FakeExpo) =>
  until('requests in flight', async () => (await expo.pulse()).inFlight > 0, { timeoutMs: 60_000, everyMs: 5 })

const untilHeard = (expo: FakeExpo, id: string, devices: number) =>
  until(`${devices} devices to have heard`, async () => Object.keys(await expo.counts(id)).length >= devices, {
    timeoutMs: 60_000,
  })

const untilSettled = (url: string) =>
  untilNone(
    'an empty ledger',
    url,
    `select (select count(*) from belfry.notifications where state in ('queued', 'sending')) +
      (select count(*) from belfry.deliveries where state < 2) as count`,
  )

const untilHandedOver = (url: string) =>
  untilNone('all receipts', url, 'select sum(accepted - handed_over) as count from belfry.deliveries')

async function untilNone(what: string, url: string, count: string): Promise<void> {
  const isNone = async () => Number((await query<{ count: string }>(url, count))[0]?.count) === 0
  await until(what, isNone, { timeoutMs: 60_000, everyMs: 100 })
}
