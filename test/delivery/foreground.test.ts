/** Whoever is being answered goes first: a broadcast in the same process leaves them the database meanwhile. */
import { expect, test } from 'vitest'
import type { Foreground } from '../../src/ports.ts'
import { bearer, openApi } from '../api/world.ts'
import { call } from '../kit/call.ts'
import { until } from '../kit/guard.ts'
import { openRunning } from '../kit/inside.ts'

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
