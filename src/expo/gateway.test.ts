import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcp } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, expect, test } from 'vitest'
import type { PushGateway } from '../ports.ts'
import { openGateway } from './gateway.ts'

const open: (() => unknown)[] = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

/** Where an answer comes, also on a machine that stands still for a while. */
const PATIENCE_MS = 10_000

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void

async function gatewayTo(answer: Answer, timeoutMs = PATIENCE_MS): Promise<PushGateway> {
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => (body += chunk)).on('end', () => answer(request, response, body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const gateway = at((server.address() as AddressInfo).port, timeoutMs)
  open.push(
    () => gateway.close(),
    () => server.closeAllConnections(),
    () => server.close(),
  )
  return gateway
}

function at(port: number, timeoutMs = PATIENCE_MS): PushGateway {
  const base = `http://127.0.0.1:${port}/--/api/v2/push`
  const urls = { sendUrl: `${base}/send`, receiptsUrl: `${base}/getReceipts` }
  return openGateway({ ...urls, accessToken: 'secret', maxConcurrentRequests: 2, timeoutMs, userAgent: 'belfry-test' })
}

const json =
  (status: number, value: unknown, headers = {}): Answer =>
  (_request, response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value))
const text =
  (status: number, body: string): Answer =>
  (_request, response) =>
    response.writeHead(status).end(body)
const ok = { data: [{ status: 'ok', id: 't1' }] }
/** Good tickets, and as much of nothing. */
const padded = JSON.stringify(ok) + ' '.repeat(3_000_000)
const bomb = gzipSync(padded)
const message = [{ to: ['ExponentPushToken[a]'], title: 'Hi' }]

test('a request has the documented headers, and its tickets come back in order', async () => {
  let seen: IncomingMessage | undefined
  const gateway = await gatewayTo((request, response) => {
    seen = request
    const tickets = [
      { status: 'ok', id: 't1', surprise: true },
      {
        status: 'error',
        message: 'no',
        details: { error: 'DeviceNotRegistered', expoPushToken: 'ExponentPushToken[b]' },
      },
      { status: 'error', message: 'odd', details: 7 },
      { status: 'error', message: 'key', details: { error: 'ProviderError', fcm: { error: 'MismatchSenderId' } } },
    ]
    response.setHeader('content-encoding', 'gzip').end(gzipSync(JSON.stringify({ data: tickets })))
  })
  const answer = await gateway.send([{ to: ['a', 'b', 'c', 'd'].map((name) => `ExponentPushToken[${name}]`) }])
  expect(answer).toEqual({
    kind: 'tickets',
    tickets: [
      { status: 'ok', id: 't1' },
      { status: 'error', code: 'DeviceNotRegistered', message: 'no', pushToken: 'ExponentPushToken[b]' },
      { status: 'error', code: null, message: 'odd' },
      { status: 'error', code: 'MismatchSenderId', message: 'key' },
    ],
  })
  expect(seen?.url).toBe('/--/api/v2/push/send')
  expect(seen?.headers).toMatchObject({
    accept: 'application/json',
    'accept-encoding': 'gzip, deflate',
    'content-type': 'application/json',
    authorization: 'Bearer secret',
  })
})

const errors = (code: string, extra = {}) => ({ errors: [{ code, message: 'why', ...extra }] })
test.each<[string, Answer, object]>([
  [
    '429',
    json(429, errors('TOO_MANY_REQUESTS'), { 'retry-after': '3' }),
    { kind: 'later', rateLimited: true, afterMs: 3_000 },
  ],
  [
    '429 for days',
    json(429, errors('TOO_MANY_REQUESTS'), { 'retry-after': '999999' }),
    { kind: 'later', rateLimited: true, afterMs: 600_000 },
  ],
  ['429 without a body', text(429, ''), { kind: 'later', rateLimited: true }],
  ['500 with tickets', json(500, ok), { kind: 'ambiguous', status: 500 }],
  [
    'mixed projects',
    json(400, errors('PUSH_TOO_MANY_EXPERIENCE_IDS', { details: { a: ['x'] } })),
    { kind: 'refused', status: 400, code: 'PUSH_TOO_MANY_EXPERIENCE_IDS', details: { a: ['x'] } },
  ],
  ['errors with status 200', json(200, errors('VALIDATION_ERROR')), { kind: 'refused', code: 'VALIDATION_ERROR' }],
  ['errors beside tickets', json(200, { ...ok, ...errors('X') }), { kind: 'ambiguous' }],
  ['401', json(401, errors('UNAUTHORIZED')), { kind: 'refused', status: 401, code: 'UNAUTHORIZED' }],
  ['an access token refused with 400', json(400, errors('UNAUTHORIZED')), { kind: 'refused', status: 401 }],
  ['an access token refused with 200', json(200, errors('UNAUTHORIZED')), { kind: 'refused', status: 401 }],
  ['a limit told with 200', json(200, errors('TOO_MANY_REQUESTS')), { kind: 'later', rateLimited: true }],
  ['403 as text', text(403, 'no'), { kind: 'refused', status: 403 }],
  ['500 with errors', json(500, errors('INTERNAL_SERVER_ERROR')), { kind: 'ambiguous', status: 500 }],
  ['502 as HTML', text(502, '<html>bad gateway</html>'), { kind: 'ambiguous', status: 502 }],
  ['404 as text', text(404, 'not found'), { kind: 'ambiguous', status: 404 }],
  [
    'a redirect',
    (_request, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
    { kind: 'ambiguous', status: 302 },
  ],
  ['garbage', text(200, 'ok!'), { kind: 'ambiguous' }],
  ['too few tickets', json(200, { data: [] }), { kind: 'ambiguous' }],
  ['a ticket without an id', json(200, { data: [{ status: 'ok' }] }), { kind: 'ambiguous' }],
  [
    'half a body',
    (_request, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{"data":')
      setImmediate(() => response.destroy())
    },
    { kind: 'ambiguous' },
  ],
  ['a reset', (request) => request.socket.destroy(), { kind: 'ambiguous' }],
  [
    'tickets in a gzip bomb',
    (_request, response) => response.setHeader('content-encoding', 'gzip').end(bomb),
    { kind: 'ambiguous' },
  ],
  ['tickets in 3 MB', text(200, padded), { kind: 'ambiguous' }],
])('%s', async (_name, answer, expected) => {
  const gateway = await gatewayTo(answer)
  expect(await gateway.send(message)).toMatchObject(expected)
})

test.each<[string, Answer]>([
  ['silence', () => undefined],
  [
    'a body that drips',
    (_request, response) => {
      response.writeHead(200)
      const drip = setInterval(() => response.write(' '), 50)
      response.on('close', () => clearInterval(drip))
    },
  ],
])('%s', async (_name, answer) => {
  const gateway = await gatewayTo(answer, 500)
  expect(await gateway.send(message)).toMatchObject({ kind: 'ambiguous', reason: 'no answer within 500 ms' })
})

test('a time to come back that has passed, by our clock, is none: the next try waits as after any other failure', async () => {
  const before = { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' }
  const gateway = await gatewayTo(json(429, errors('TOO_MANY_REQUESTS'), before), 5_000)
  expect(await gateway.send(message)).toEqual({ kind: 'later', reason: 'why', status: 429, rateLimited: true })
})

test('a connection that was never made is certainly not sent', async () => {
  const server = createTcp().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  const gateway = at(port)
  open.push(() => gateway.close())
  expect(await gateway.send(message)).toMatchObject({ kind: 'later', reason: expect.stringContaining('ECONNREFUSED') })
})

test('a byte order mark before an answer hides it from nobody', async () => {
  const gateway = await gatewayTo(text(200, `\u{feff}${JSON.stringify(ok)}`), 5_000)
  expect(await gateway.send(message)).toMatchObject({ kind: 'tickets' })
})

test('what PostgreSQL cannot store is made storable, and is no known code any more', async () => {
  const gateway = await gatewayTo(
    json(200, { data: [{ status: 'error', message: 'a\0b\ud800', details: { error: 'DeviceNotRegistered\0' } }] }),
  )
  const answer = await gateway.send(message)
  expect(answer).toMatchObject({ tickets: [{ message: 'a\ufffdb\ufffd', code: 'DeviceNotRegistered\ufffd' }] })
})

test('receipts are a map; those that are not there yet are not in it', async () => {
  const gateway = await gatewayTo((request, response, body) => {
    expect(request.url).toBe('/--/api/v2/push/getReceipts')
    expect(JSON.parse(body)).toEqual({ ids: ['a', 'b', 'c'] })
    response.end(
      JSON.stringify({
        data: {
          a: { status: 'ok' },
          b: { status: 'error', message: 'm', details: { error: 'InvalidCredentials', expoPushToken: 'one' } },
          c: 5,
        },
      }),
    )
  })
  const answer = await gateway.receipts(['a', 'b', 'c'])
  expect(answer.kind === 'receipts' && [...answer.receipts]).toEqual([
    ['a', { status: 'ok' }],
    ['b', { status: 'error', code: 'InvalidCredentials', message: 'm', pushToken: 'one' }],
  ])
})

test('receipts that do not come are asked for later', async () => {
  const gateway = await gatewayTo(text(503, 'busy'))
  expect(await gateway.receipts(['a'])).toMatchObject({ kind: 'later', status: 503 })
})

test('a call for receipts that Expo refuses for something in it is told apart from one that it will take later', async () => {
  const body = '{"errors":[{"code":"VALIDATION_ERROR","message":"\\"[0]\\" must be a UUID."}]}'
  const gateway = await gatewayTo(text(400, body))
  expect(await gateway.receipts(['a'])).toMatchObject({
    kind: 'refused',
    status: 400,
    code: 'VALIDATION_ERROR',
    message: '"[0]" must be a UUID.',
  })
  const asSuccess = await gatewayTo(text(200, body))
  expect(await asSuccess.receipts(['a'])).toMatchObject({ kind: 'refused', status: 200 })
  for (const [status, said] of [
    [200, '<html>'],
    [200, '{"errors":[{"code":"TOO_MANY_REQUESTS","message":"slower"}]}'],
    [400, '<html>'],
    [400, '{"errors":[{"code":"UNAUTHORIZED","message":"no"}]}'],
    [401, body],
    [403, body],
    [429, body],
    [500, body],
    [500, '{"data":{"a":{"status":"ok"}}}'],
  ] as const) {
    const later = await gatewayTo(text(status, said))
    expect(await later.receipts(['a'])).toMatchObject({ kind: 'later', status })
  }
})
