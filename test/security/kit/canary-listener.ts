/** A listener that nobody has any reason to speak to. Each connection to it is written down. */

import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'

export interface Canary {
  url: string
  port: number
  /** What was said on each connection, the first bytes of it. */
  connections: string[]
  close(): Promise<void>
}

export async function openCanary(): Promise<Canary> {
  const connections: string[] = []
  const server = createServer((socket) => {
    const at = connections.push('nothing') - 1
    socket.once('data', (bytes) => {
      connections[at] = bytes.toString('latin1').slice(0, 200)
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}')
    })
    socket.on('error', () => undefined)
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    connections,
    close: () => new Promise((done) => void server.close(() => done())),
  }
}
