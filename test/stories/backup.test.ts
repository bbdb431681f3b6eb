/** docs/backup.md is true: its commands, run as they stand, and what it says about work that was waiting. */
import { execFile, spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, describe, expect, test } from 'vitest'
import { call } from '../kit/call.ts'
import { type FakeExpo, startFakeExpo } from '../kit/expo.ts'
import { sharedPostgres } from '../kit/global-setup.ts'
import { until } from '../kit/guard.ts'
import {
  mintToken,
  OPERATOR_KEY,
  type Server,
  type ServerOptions,
  startServer,
  temporaryFolder,
} from '../kit/server.ts'

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'backup.md'), 'utf8')
const blocks = [...page.matchAll(/^```console\n(.*?)^```$/gms)].map(([, block = '']) => block)
const blockWith = (word: string) => blocks.find((block) => block.includes(word)) ?? ''

const phones = ['ExponentPushToken[bens-phone]', 'ExponentPushToken[cleos-phone]']
/** Long enough for the backup to be made before. */
const WAITS_MS = 8_000

let folder = ''
let expo: FakeExpo
let server: Server
afterEach(async () => {
  await server?.kill9()
  await expo?.close()
  rmSync(folder, { recursive: true, force: true })
})

const runBlock = (word: string, env: Record<string, string> = {}) =>
  promisify(execFile)('/bin/sh', ['-ec', blockWith(word)], { cwd: folder, env: { ...process.env, ...env } })

async function start(env: ServerOptions['env']): Promise<void> {
  server = await startServer({ folder, env: { EXPO_PUSH_URL: expo.sendUrl, RECEIPT_DELAY_MS: '1000', ...env } })
}

async function notify(title: string, send_at?: string): Promise<string> {
  const json = { to: 'everyone', title, ...(send_at !== undefined && { send_at }) }
  const made = await call<{ notification_id: string }>('POST', `${server.url}/api/notifications`, {
    token: OPERATOR_KEY,
    json,
  })
  expect(made.status).toBe(202)
  return made.body.notification_id
}

async function stateOf(id: string): Promise<string> {
  const path = `${server.url}/api/notifications/${id}`
  const { body } = await call<{ notification: { state: string } }>('GET', path, { token: OPERATOR_KEY })
  return body.notification.state
}
const untilFinished = (id: string) =>
  until('the notification to be finished', async () => (await stateOf(id)) === 'finished', { timeoutMs: 60_000 })

/** A backup with a notification waiting in it is made, the notification is sent, and the backup takes over. */
async function story(
  backup: (isWaiting: () => Promise<void>) => Promise<void>,
  restore: () => Promise<Record<string, string>>,
  env: object,
) {
  await start({ ...env })
  for (const [n, push_token] of phones.entries()) {
    const user = { token: mintToken(`user-${n}`), json: { push_token, device_type: 'ios' } }
    expect((await call('POST', `${server.url}/api/users/push-token`, user)).status).toBe(200)
  }
  const waiting = await notify('Waiting', new Date(Date.now() + WAITS_MS).toISOString())
  await backup(async () => expect(await expo.counts(waiting)).toEqual({}))
  const once = Object.fromEntries(phones.map((phone) => [phone, 1]))
  await server.stop()
  await start({ ...env })
  await untilFinished(waiting)
  expect(await expo.counts(waiting)).toEqual(once)
  await server.stop()

  const restored = await restore()
  await start({ ...restored, ENABLE_PUSH_NOTIFICATIONS: 'false' })
  await untilFinished(waiting)
  await server.stop()
  await start(restored)
  const next = await notify('New')
  await untilFinished(next)
  expect(await expo.counts(next)).toEqual(once)
  expect(await expo.counts(waiting)).toEqual(once)
}

describe('backup and restore', () => {
  test('of the data folder', async () => {
    expo = await startFakeExpo()
    folder = temporaryFolder()
    const backup = async (isWaiting: () => Promise<void>) => {
      await server.stop()
      await isWaiting()
      await runBlock('tar -czf')
    }
    const restore = async () => {
      rmSync(join(folder, 'data'), { recursive: true })
      await runBlock('tar -xzf')
      return {}
    }
    await story(backup, restore, {})
  })

  const dumper = Number(/ (\d+)/.exec(spawnSync('pg_dump', ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[1] ?? 0)
  const version = dumper >= 18 ? 18 : 14
  const can = dumper >= version
  test.runIf(can)(`of PostgreSQL, while it runs${can ? '' : ' (skipped: no pg_dump)'}`, async () => {
    expo = await startFakeExpo()
    folder = temporaryFolder()
    const postgres = await sharedPostgres(version)
    const DATABASE_URL = await postgres.createDatabase()
    const backup = async (isWaiting: () => Promise<void>) => {
      await runBlock('pg_dump', { DATABASE_URL })
      await isWaiting()
    }
    const restore = async () => {
      const NEW_DATABASE_URL = await postgres.createDatabase()
      await runBlock('pg_restore', { NEW_DATABASE_URL })
      return { DATABASE_URL: NEW_DATABASE_URL }
    }
    await story(backup, restore, { DATABASE_URL })
  })
})
