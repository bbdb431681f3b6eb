/** Every line that is logged inside a request carries its id, whoever writes it and however deep. */
import { request } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inRequest, logFacts, openLog } from '../../src/log.ts'
import { bearer, OPERATOR_KEY, openApi } from '../api/world.ts'
import { call } from '../kit/call.ts'

/** The program's own log, not the request's: what delivery, the store and the facts write to. */
const lines: string[] = []
const log = openLog('debug', { write: (line) => void lines.push(line) })
const emit = logFacts(log)

let world: Awaited<ReturnType<typeof openApi>>
beforeAll(async () => {
  const plugin = async (app: FastifyInstance) => {
    app.post('/deep', { config: { caller: 'anybody' } }, async (request) => {
      log.info({ step: 1 }, 'at once')
      await wait(1)
      await world.database.ping()
      emit('database.newer', { migration: 'after the database' })
      request.log.info({ step: 3 }, "the request's own")
      setImmediate(() => log.info({ step: 4 }, 'later'))
      await wait(5)
      return {}
    })
    app.get('/broken', { config: { caller: 'anybody' } }, async () => {
      throw new Error('a bug')
    })
  }
  world = await openApi({ log, emit, inRequest, mounts: [{ prefix: '/sandbox', plugin }] })
})
afterAll(() => world.close())

/** The lines of one call, each as it was read. */
async function linesOf(method: string, path: string, options = {}): Promise<{ id: unknown; said: Line[] }> {
  const before = lines.length
  const { headers } = await call(method, world.url + path, options)
  const said = lines.slice(before).map((line) => JSON.parse(line) as Line)
  return { id: headers['request-id'], said }
}
interface Line {
  msg: string
  reqId?: string
}

test.each([
  ['POST', '/sandbox/deep', { json: { some: 'body' } }, 5],
  ['GET', '/sandbox/broken', {}, 2],
  ['POST', '/test-push-notification/nobody', { token: OPERATOR_KEY }, 2],
  ['GET', '/nowhere', {}, 1],
])('%s %s', async (method, path, options, least) => {
  const { id, said } = await linesOf(method, path, options)
  expect(id).toMatch(/^[0-9a-f-]{36}$/)
  expect(said.length).toBeGreaterThanOrEqual(least)
  expect(said.map((line) => [line.msg, line.reqId])).toEqual(said.map((line) => [line.msg, id]))
})

test('a body that comes late does not lose the request', async () => {
  const before = lines.length
  const id = await new Promise<unknown>((done, fail) => {
    const headers = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' }
    const asked = request(`${world.url}/sandbox/deep`, { method: 'POST', headers }, (answer) => {
      answer.resume().on('end', () => done(answer.headers['request-id']))
    })
    asked.on('error', fail)
    asked.write('{"some": ')
    setTimeout(() => asked.end('"body"}'), 100)
  })
  const said = lines.slice(before).map((line) => JSON.parse(line) as Line)
  expect(said.map((line) => [line.msg, line.reqId])).toEqual(said.map((line) => [line.msg, id]))
  expect(said.length).toBeGreaterThanOrEqual(5)
})

test('two requests at once are not mixed up', async () => {
  const ids = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const { headers } = await call('POST', `${world.url}/sandbox/deep`, { json: {} })
      return String(headers['request-id'])
    }),
  )
  for (const id of ids) expect(lines.filter((line) => line.includes(id)).length).toBe(5)
})

test('no id is written twice into a line, and a line outside a request has none', () => {
  for (const line of lines) expect(line.split('"reqId"').length).toBeLessThanOrEqual(2)
  log.info('outside')
  expect(lines.at(-1)).not.toContain('reqId')
})

test('a line for an answer holds the pattern of its route, not its address', async () => {
  const token = (await bearer('ana', 'Ana')).slice('Bearer '.length)
  const { said } = await linesOf('GET', '/message/a-secret-in-the-address?push_token=another', { token })
  expect(said).toMatchObject([{ msg: 'A request was answered', route: '/message/:id', status: 404 }])
  expect(lines.join('')).not.toMatch(/a-secret-in-the-address|another/)
})
