/** Expo over TLS, as it really is. */
import { createSecureServer } from 'node:http2'
import { createServer as createHttps } from 'node:https'
import type { AddressInfo, Server, Socket } from 'node:net'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { openGateway } from '../../src/expo/gateway.ts'
import type { PushGateway } from '../../src/ports.ts'
import { localhost, trustOnly } from '../kit/tls.ts'
import { openProxy } from '../reliability/kit/proxy.ts'

const open: (() => unknown)[] = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})
beforeAll(() => trustOnly(localhost.cert))

const message = [{ to: ['ExponentPushToken[a]'], title: 'Hi' }]
const tickets = '{"data":[{"status":"ok","id":"t1"}]}'
const TIMEOUT_MS = 500

async function listening(server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket.on('error', () => undefined).on('close', () => sockets.delete(socket)))
  })
  open.push(() => (sockets.forEach((socket) => socket.destroy()), server.close()))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

function gatewayAt(origin: string, timeoutMs = TIMEOUT_MS): PushGateway {
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

const secure = () =>
  createHttps(localhost, (request, response) => void request.resume().on('end', () => response.end(tickets)))

describe('over TLS', () => {
  test('what is asked is answered', async () => {
    const gateway = gatewayAt(`https://localhost:${await listening(secure())}`)
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
