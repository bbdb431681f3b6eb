/** Whoever is being answered goes first: a broadcast in the same process leaves them the database meanwhile. */
import { rmSync } from 'node:fs'
import { expect, test, vi } from 'vitest'
import { openApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { openLog } from '../../src/log.ts'
import type { Foreground } from '../../src/ports.ts'
import { bearer, openApi } from '../api/world.ts'
import { call } from '../kit/call.ts'
import { sharedPostgres } from '../kit/global-setup.ts'
import { freePort, until } from '../kit/guard.ts'
import { openRunning } from '../kit/inside.ts'
import { environment, mintToken, temporaryFolder } from '../kit/server.ts'

/** What the program's own is asked for, which it makes itself. */
const calls = vi.hoisted((): string[] => [])
vi.mock('../../src/foreground.ts', () => ({
  openForeground: (): Foreground => ({
    enter() {
      calls.push('enter')
      return () => calls.push('leave')
    },
    clear: async () => void calls.push('clear'),
  }),
}))

test('the program tells delivery of whom its API answers', async () => {
  const folder = temporaryFolder()
  const env = { DATABASE_URL: await (await sharedPostgres(18)).createDatabase() }
  const config = readConfig(environment(folder, await freePort(), env), folder)
  const app = await openApp(config, openLog('silent'))
  try {
    const headers = { authorization: `Bearer ${mintToken('ann')}` }
    const json = { push_token: 'ExponentPushToken[ann]', device_type: 'ios' }
    expect((await call('POST', `${app.url}/api/users/push-token`, { headers, json })).status).toBe(200)
    await until('it has left', () => calls.length === 2)
    expect(calls).toEqual(['enter', 'leave'])
    await call('POST', `${app.url}/test-push-notification/ann`, { headers })
    expect(calls).toContain('clear')
  } finally {
    await app.close()
    rmSync(folder, { recursive: true, force: true })
  }
})

test('of a broadcast nothing is begun until it is clear', async () => {
  let asked = 0
  const clear = Promise.withResolvers<void>()
  const foreground: Foreground = {
    enter: () => () => undefined,
    clear() {
      asked += 1
      return clear.promise
    },
  }
  const world = await openRunning('PGlite', {}, { foreground })
  await world.device('ann')
  await world.notify({ audience: { everyone: true } })
  await until('the broadcast is about to begin', () => asked > 0)
  expect(world.sent).toHaveLength(0)
  clear.resolve()
  await world.drain()
  expect(world.sent).toHaveLength(1)
})

test('people and backends go first from their request to its answer; what is polled does not', async () => {
  const log: string[] = []
  const foreground: Foreground = {
    enter() {
      log.push('enter')
      return () => log.push('leave')
    },
    clear: async () => undefined,
  }
  const api = await openApi({ foreground })
  try {
    for (const path of ['/healthz', '/metrics', '/', '/nowhere']) await call('GET', api.url + path)
    expect(log).toEqual([])
    const authorization = await bearer('ann')
    const json = { receiver_id: 'ben', message_type: 'text', content: 'Hello' }
    expect((await call('POST', `${api.url}/message/send-message`, { headers: { authorization }, json })).status).toBe(
      200,
    )
    await until('it has left', () => log.length === 2)
    expect((await call('POST', `${api.url}/message/send-message`, { json })).status).toBe(401)
    await until('it has left', () => log.length === 4)
    expect(log).toEqual(['enter', 'leave', 'enter', 'leave'])
  } finally {
    await api.close()
  }
})
