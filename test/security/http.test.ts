/** What every answer says to browsers, errors too; and requests over which a proxy and we might disagree are refused. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { OPERATOR_KEY, type Server, startServer } from '../kit/server.ts'
import { lines, type RawAnswer, say } from './kit/wire.ts'

let server: Server
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server?.kill9())

const get = (path: string, ...more: string[]) =>
  lines(`GET ${path} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...more)
const operator = `Authorization: Bearer ${OPERATOR_KEY}`

describe('every answer', () => {
  const requests: Record<string, string> = {
    'the first page': get('/'),
    'a page of the console': get('/console'),
    'the sandbox': get('/sandbox'),
    'one of its files': get('/sandbox/assets/main.js'),
    'data for the operator': get('/api/notifications', operator),
    'a missing token': get('/api/users/push-token'),
    'a wrong token': get('/api/users/push-token', 'Authorization: Bearer a.b.c'),
    'no such address': get('/nope'),
    'no such address in the sandbox': get('/sandbox/nope'),
    'an address that cannot be read': get('/%'),
    'a part of an address that is too long': get(`/message/${'x'.repeat(600)}`),
    'a body that is no JSON': lines(
      'POST /api/notifications HTTP/1.1',
      'Host: localhost',
      operator,
      'Content-Type: application/json',
      'Content-Length: 1',
      'Connection: close',
      '',
      '{',
    ),
    'a type that is not known': lines(
      'POST /api/notifications HTTP/1.1',
      'Host: localhost',
      operator,
      'Content-Type: text/plain',
      'Content-Length: 1',
      'Connection: close',
      '',
      '{',
    ),
    'headers that are too large': get('/', `X: ${'x'.repeat(20_000)}`),
    'no HTTP': lines('hello'),
    'an expectation': get('/', 'Expect: wonders'),
    HEAD: get('/healthz').replace('GET', 'HEAD'),
    TRACE: get('/healthz').replace('GET', 'TRACE'),
    'a stream': get('/api/operator/now/events', operator),
  }
  test.each(Object.entries(requests))('to %s tells browsers to be careful', async (what, request) => {
    const [answer] = await say(server.port, request, { timeoutMs: what === 'a stream' ? 700 : 3_000 })
    const { headers, status, body } = answer!
    expect(headers['x-content-type-options']).toBe('nosniff')
    expect(headers['referrer-policy']).toBe('no-referrer')
    const policy = headers['content-security-policy'] ?? ''
    expect(policy).toMatch(/default-src '(self|none)'/)
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toMatch(/unsafe|\*|https?:/)
    expect(headers['cache-control']).toMatch(/no-store|no-cache/)
    for (const name of ['server', 'x-powered-by', 'access-control-allow-origin']) expect(headers[name]).toBeUndefined()
    if (status < 400 || what === 'HEAD' || what === 'TRACE') return
    expect(JSON.parse(body)).toMatchObject({ success: false, code: expect.any(String), error: expect.any(String) })
    expect(body).not.toMatch(/node_modules|\.ts:|at [A-Z]\w+\./)
  })
})

test.each(['TRACE', 'TRACK', 'CONNECT', 'PROPFIND', 'OPTIONS', 'DEBUG', 'get', 'PUT', 'M-SEARCH', 'G'.repeat(9_000)])(
  'the method %.20s does nothing, and echoes nothing',
  async (method) => {
    const answers = await say(
      server.port,
      lines(`${method} /healthz HTTP/1.1`, 'Host: localhost', 'Connection: close', 'X: secret-echo'),
    )
    for (const { status, body } of answers) {
      expect(status).toBeGreaterThanOrEqual(400)
      expect(status).toBeLessThan(500)
      expect(body).not.toContain('secret-echo')
    }
  },
)

/** The first request ends differently for who reads the one header and for who reads the other. */
const hidden = lines('GET /healthz?smuggled HTTP/1.1', 'Host: localhost')
const post = (...more: string[]) => lines('POST /console/sign-out HTTP/1.1', 'Host: localhost', ...more)

describe('two requests in one', () => {
  const disagreements: Record<string, string> = {
    'Content-Length, then Transfer-Encoding':
      post('Content-Length: 6', 'Transfer-Encoding: chunked') + '0\r\n\r\n' + hidden,
    'Transfer-Encoding, then Content-Length':
      post('Transfer-Encoding: chunked', 'Content-Length: 6') + '0\r\n\r\n' + hidden,
    'two lengths': post('Content-Length: 0', `Content-Length: ${hidden.length}`) + hidden,
    'two lengths in one line': post(`Content-Length: 0, ${hidden.length}`) + hidden,
    'two equal lengths': post('Content-Length: 1', 'Content-Length: 1') + 'x' + hidden,
    'a length with a sign': post('Content-Length: +0') + hidden,
    'a length in hex': post('Content-Length: 0x0') + hidden,
    'a length with a blank': post('Content-Length: 0 0') + hidden,
    'a blank before the colon': post('Transfer-Encoding : chunked') + '0\r\n\r\n' + hidden,
    'an unknown coding': post('Transfer-Encoding: xchunked') + '0\r\n\r\n' + hidden,
    'chunked, and then something else': post('Transfer-Encoding: chunked, identity') + '0\r\n\r\n' + hidden,
    'two codings': post('Transfer-Encoding: chunked', 'Transfer-Encoding: identity') + '0\r\n\r\n' + hidden,
    'a coding with a vertical tab': post('Transfer-Encoding: \x0bchunked') + '0\r\n\r\n' + hidden,
    'a folded line': post('Transfer-Encoding:', ' chunked') + '0\r\n\r\n' + hidden,
    'a lone line feed': post('X: y\nTransfer-Encoding: chunked') + '0\r\n\r\n' + hidden,
    'a lone carriage return': post('X: y\rTransfer-Encoding: chunked') + '0\r\n\r\n' + hidden,
    'a chunk whose size is no number': post('Transfer-Encoding: chunked') + '0x0\r\n\r\n' + hidden,
    'a chunk with a line feed in its extension': post('Transfer-Encoding: chunked') + '0;\nx\r\n\r\n' + hidden,
    'a chunk that is longer than it says': post('Transfer-Encoding: chunked') + '1\r\nxx\r\n0\r\n\r\n' + hidden,
  }
  test.each(Object.entries(disagreements))('%s: refused, and the second is never seen', async (_, text) => {
    const answers = await say(server.port, text)
    expect(answers.at(-1)).toMatchObject({ status: 400, closed: true })
    expect(answers.filter(({ status }) => status < 400)).toEqual([])
  })

  test('that are honest are answered one after the other', async () => {
    const answers = await say(server.port, hidden + hidden + get('/healthz'))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
  })
})

describe('the Host header', () => {
  const ask = async (...headers: string[]) =>
    (await say(server.port, lines('GET /sandbox/api/state HTTP/1.1', 'Connection: close', ...headers)))[0] as RawAnswer
  test.each([
    [['Host: localhost', 'Host: evil.example']],
    [['Host: evil.example', 'Host: localhost']],
    [['Host: localhost', 'host: localhost']],
    [['Host: localhost@evil.example']],
    [['Host: localhost/evil.example']],
    [['Host: localhost evil.example']],
    [['Host: localhost, evil.example']],
    [['Host: localhost:80:80']],
    [['Host: \xff']],
    [['X: none at all']],
  ])('%j is refused', async (headers) => {
    expect((await ask(...headers)).status).toBe(400)
  })

  test('of a stranger opens nothing that is for this machine, whatever else the request says', async () => {
    expect((await ask('Host: localhost')).status).toBe(200)
    for (const headers of [
      ['Host: evil.example'],
      ['Host: localhost.evil.example'],
      ['Host: 127.0.0.1.evil.example'],
      ['Host: localhost', 'X-Forwarded-Host: evil.example'],
      ['Host: localhost', 'Forwarded: for=192.0.2.1'],
      ['Host: localhost', 'Origin: http://evil.example'],
      ['Host: localhost', 'Origin: null'],
    ])
      expect([headers, (await ask(...headers)).status]).toEqual([headers, 401])
  })

  test('appears in no answer', async () => {
    const answers = [
      await ask('Host: canary-host.example'),
      (await say(server.port, get('/').replace('localhost', 'canary-host.example')))[0]!,
    ]
    for (const { headers, body } of answers) expect(JSON.stringify([headers, body])).not.toContain('canary-host')
  })
})
