/** Expo over TLS and over connections that break: what certainly did not leave is told apart from what may have. */
import dns from 'node:dns'
import { createSecureServer } from 'node:http2'
import { createServer as createHttps } from 'node:https'
import { syncBuiltinESMExports } from 'node:module'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { TlsOptions } from 'node:tls'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { openGateway } from '../../src/expo/gateway.ts'
import type { PushGateway } from '../../src/ports.ts'
import { until } from '../kit/guard.ts'
import { localhost, trustOnly } from '../kit/tls.ts'
import { openProxy } from '../reliability/kit/proxy.ts'

const open: (() => unknown)[] = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})
beforeAll(() => trustOnly(localhost.cert))

const message = [{ to: ['ExponentPushToken[a]'], title: 'Hi' }]
const tickets = '{"data":[{"status":"ok","id":"t1"}]}'
/** Where an answer comes, also on a machine that stands still for a while. */
const PATIENCE_MS = 5_000

async function listening(server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket.on('error', () => undefined).on('close', () => sockets.delete(socket)))
  })
  open.push(() => (sockets.forEach((socket) => socket.destroy()), server.close()))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

function gatewayAt(origin: string, timeoutMs = PATIENCE_MS): PushGateway {
  const gateway = openGateway({
    sendUrl: `${origin}/send`,
    receiptsUrl: `${origin}/getReceipts`,
    maxConcurrentRequests: 6,
    timeoutMs,
    userAgent: 'belfry-test',
  })
  open.push(() => gateway.close())
  return gateway
}

const secure = (options: TlsOptions = {}) =>
  createHttps(
    { ...localhost, ...options },
    (request, response) => void request.resume().on('end', () => response.end(tickets)),
  )

describe('over TLS', () => {
  test('what is asked is answered', async () => {
    const gateway = gatewayAt(`https://localhost:${await listening(secure())}`)
    expect(await gateway.send(message)).toMatchObject({ kind: 'tickets' })
  })

  test.for<[string, () => Server]>([
    [
      'a server without TLS',
      () => createServer((socket) => socket.on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))),
    ],
    ['connections that are closed at once', () => createServer((socket) => socket.end())],
    ['connections that are reset at once', () => createServer((socket) => socket.resetAndDestroy())],
    [
      'connections that are closed in the handshake',
      () => createServer((socket) => socket.once('data', () => socket.end())),
    ],
    [
      'connections that are reset in the handshake',
      () => createServer((socket) => socket.once('data', () => socket.resetAndDestroy())),
    ],
    ['a handshake that never ends', () => createServer((socket) => socket.resume())],
    ['no version in common', () => secure({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' })],
    ['no cipher in common', () => secure({ maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA256' })],
    ['a certificate of ours that is asked for', () => secure({ maxVersion: 'TLSv1.2', requestCert: true })],
  ])('%s: certainly not sent', async ([, server]) => {
    const gateway = gatewayAt(`https://localhost:${await listening(server())}`, 500)
    expect(await gateway.send(message)).toEqual({ kind: 'later', reason: expect.any(String) })
  })

  test('a certificate that nobody trusts: certainly not sent', async () => {
    const gateway = gatewayAt(`https://localhost:${await listening(secure())}`)
    trustOnly()
    expect(await gateway.send(message)).toMatchObject({ kind: 'later' })
    trustOnly(localhost.cert)
    expect(await gateway.send(message)).toMatchObject({ kind: 'tickets' })
  })

  test('a connection that has fallen silent is not asked again, also of a server that would speak HTTP/2', async () => {
    const server = createSecureServer({ ...localhost, allowHTTP1: true }, (request, response) => {
      request.resume().on('end', () => response.end(tickets))
    })
    const proxy = await openProxy(await listening(server))
    open.push(() => proxy.close())
    const gateway = gatewayAt(`https://localhost:${proxy.port}`)
    expect(await gateway.send(message)).toMatchObject({ kind: 'tickets' })
    expect(proxy.freeze()).toBe(1)
    const kinds: string[] = []
    while (kinds.length < 4) kinds.push((await gateway.send(message)).kind)
    expect(kinds.toSorted()).toEqual(['ambiguous', 'tickets', 'tickets', 'tickets'])
  })
})

describe('a name server that is silent', () => {
  afterEach(() => {
    vi.restoreAllMocks()
    syncBuiltinESMExports()
  })

  test('is asked once for all connections, so that the database finds a thread to look its own name up', async () => {
    const answers: ((error: Error) => void)[] = []
    vi.spyOn(dns, 'lookup').mockImplementation(((_host: string, _options: object, done: (error: Error) => void) =>
      answers.push(done)) as never)
    syncBuiltinESMExports()
    const gateway = gatewayAt('https://expo.example')
    const asked = Promise.all(Array.from({ length: 6 }, () => gateway.send(message)))
    await until('the first question', () => answers.length > 0)
    await new Promise(setImmediate)
    expect(answers).toHaveLength(1)
    answers[0]?.(Object.assign(new Error('getaddrinfo EAI_AGAIN expo.example'), { code: 'EAI_AGAIN' }))
    expect(await asked).toEqual(Array(6).fill({ kind: 'later', reason: 'getaddrinfo EAI_AGAIN expo.example' }))
    const again = gateway.send(message)
    await until('the second question', () => answers.length === 2)
    answers[1]?.(new Error('still'))
    expect(await again).toEqual({ kind: 'later', reason: 'still' })
  })
})

describe('answers that break', () => {
  /** Each connection is a server of its own, on which each request is answered by hand. */
  const byHand = (answer: (socket: Socket, nth: number) => unknown) => {
    let nth = 0
    return createServer((socket) => {
      let asked = ''
      socket.on('data', (data) => {
        asked += data.toString('latin1')
        if (!asked.endsWith(']')) return
        asked = ''
        void answer(socket, ++nth)
      })
    })
  }
  const at = async (server: Server, timeoutMs?: number) =>
    gatewayAt(`http://127.0.0.1:${await listening(server)}`, timeoutMs)
  const sized = (body: string | Buffer, more = '') =>
    Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\n${more}content-length: ${body.length}\r\n\r\n`), Buffer.from(body)])
  const untilTheEnd = (status: string, body: string) => Buffer.from(`HTTP/1.1 ${status}\r\n\r\n${body}`)
  const chunked = Buffer.from(
    `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\n${tickets.slice(0, 9)}\r\n${(tickets.length - 9).toString(16)}\r\n${tickets.slice(9)}\r\n0\r\n\r\n`,
  )

  test.for<[string, Buffer, object]>([
    ['with a length', sized(tickets), { kind: 'tickets' }],
    ['with a length, packed', sized(gzipSync(tickets), 'content-encoding: gzip\r\n'), { kind: 'tickets' }],
    ['in chunks', chunked, { kind: 'tickets' }],
    ['until the connection ends', untilTheEnd('200 OK', tickets), { kind: 'tickets' }],
    ['of HTTP/1.0', Buffer.from(sized(tickets).toString('latin1').replace('1.1', '1.0')), { kind: 'tickets' }],
    [
      'after a hint',
      Buffer.concat([Buffer.from('HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n'), sized(tickets)]),
      { kind: 'tickets' },
    ],
    ['that refuses', untilTheEnd('400 Bad Request', '{"errors":[{"code":"X","message":"m"}]}'), { kind: 'refused' }],
  ])('%s: cut at any byte it may have been sent, whole it is an answer', async ([, answer, whole]) => {
    for (const end of ['end', 'resetAndDestroy'] as const) {
      const gateway = await at(byHand((socket, nth) => socket.write(answer.subarray(0, nth - 1), () => socket[end]())))
      for (let cut = 0; cut < answer.length; cut++)
        expect([cut, await gateway.send(message)]).toMatchObject([cut, { kind: 'ambiguous' }])
    }
    const gateway = await at(
      byHand(async (socket) => {
        for (const byte of answer) await new Promise((written) => socket.write(Uint8Array.of(byte), written))
        socket.end()
      }),
    )
    expect(await gateway.send(message)).toMatchObject(whole)
  })

  test.for<[string, (socket: Socket) => unknown]>([
    ['a length that is too long', (socket) => socket.write(sized(tickets).toString().replace(/: \d+/, ': 999'))],
    ['a length that is too short', (socket) => socket.write(sized(tickets).toString().replace(/: \d+/, ': 7'))],
    ['two lengths', (socket) => socket.write(sized(tickets, 'content-length: 3\r\n'))],
    ['a length, and chunks', (socket) => socket.write(sized(tickets, 'transfer-encoding: chunked\r\n'))],
    ['chunks of no length', (socket) => socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n')],
    ['another protocol', (socket) => socket.write('SSH-2.0-OpenSSH\r\n')],
    ['headers without end', (socket) => socket.write(`HTTP/1.1 200 OK\r\nx: ${'x'.repeat(100_000)}`)],
    [
      'an upgrade',
      (socket) => socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
    ],
    ['an answer of 100 MB', (socket) => socket.write(sized(Buffer.alloc(100_000_000)))],
    ['packed by other means', (socket) => socket.write(sized(gzipSync(tickets), 'content-encoding: zstd\r\n'))],
    ['nothing', (socket) => socket.end()],
  ])('%s: it may have been sent, and the next one is answered', async ([, odd]) => {
    const gateway = await at(byHand((socket, nth) => (nth === 1 ? odd(socket) : socket.write(sized(tickets)))))
    expect(await gateway.send(message)).toMatchObject({ kind: 'ambiguous' })
    expect(await gateway.send(message)).toMatchObject({ kind: 'tickets' })
  })

  test('idle connections are given up in seconds, however long the server would keep them', async () => {
    const proxy = await openProxy(
      await listening(byHand((socket) => socket.write(sized(tickets, 'keep-alive: timeout=600\r\n')))),
    )
    open.push(() => proxy.close())
    const gateway = gatewayAt(`http://127.0.0.1:${proxy.port}`)
    await Promise.all(Array.from({ length: 6 }, () => gateway.send(message)))
    expect(proxy.connections()).toBeGreaterThan(1)
    await until('nobody to be connected', () => proxy.connections() === 0, { timeoutMs: 15_000 })
  })

  test("an answer that comes twice is nobody else's", async () => {
    const answer = (nth: number) => sized(tickets.replace('t1', `t${nth}`))
    const gateway = await at(byHand((socket, nth) => socket.write(Buffer.concat([answer(nth), answer(nth)]))))
    for (let nth = 1; nth <= 20; nth++) {
      const sent = await gateway.send(message)
      expect(sent).toEqual({ kind: 'tickets', tickets: [{ status: 'ok', id: `t${nth}` }] })
    }
  })

  test('a connection that ends as the next request comes: nothing is repeated in secret', async () => {
    let received = 0
    const gateway = await at(
      byHand((socket, nth) => {
        received = nth
        if (nth % 2 === 1) socket.write(sized(tickets))
        else socket.resetAndDestroy()
      }),
    )
    for (let nth = 1; nth <= 20; nth++)
      expect([nth, await gateway.send(message)]).toMatchObject([nth, { kind: nth % 2 === 1 ? 'tickets' : 'ambiguous' }])
    expect(received).toBe(20)
  })
})
