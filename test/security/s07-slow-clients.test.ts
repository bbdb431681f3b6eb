/** S7: 500 clients that are slow in every way there is are cut off within 20 seconds, and nobody else notices them. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../kit/guard.ts'
import { openWorld, type World } from '../kit/world.ts'

const WITHIN_MS = 20_000
const DRIP_MS = 700
/** Of the honest, and of the server with its own sandbox, of which it holds both ends. */
const OTHERS = 30
/** An honest request on a machine that is busy with 500 others, and perhaps with other tests. */
const PATIENCE_MS = 12_000

let world: World
const sockets: Socket[] = []
beforeAll(async () => {
  world = await openWorld({ database: 'pglite', env: { EXPO_PUSH_URL: undefined } })
})
afterAll(async () => {
  for (const socket of sockets) socket.destroy()
  await world?.close()
})

interface Way {
  clients: number
  first?: string
  /** What follows a few bytes at a time. */
  drip?: string
  reads?: boolean
}
const start = 'POST /api/users/push-token HTTP/1.1\r\nHost: localhost\r\n'
const ways = (token: string, largeFile: string): Record<string, Way> => ({
  'say nothing': { clients: 60 },
  'say half a line': { clients: 60, first: 'GE' },
  'never end their headers': { clients: 75, first: start, drip: 'X-Slow: 1\r\n' },
  'send headers by the byte': { clients: 50, drip: start },
  'send a body by the byte': {
    clients: 75,
    first: `${start}Authorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n\r\n`,
    drip: ' ',
  },
  'send chunks by the byte': {
    clients: 50,
    first: `${start}Authorization: Bearer ${token}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`,
    drip: '1\r\n \r\n',
  },
  'send a body by the byte, and are nobody': { clients: 50, first: `${start}Content-Length: 9000\r\n\r\n`, drip: 'x' },
  'stay after their answer': { clients: 60, first: 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n' },
  'never read': { clients: 20, first: `GET ${largeFile} HTTP/1.1\r\nHost: localhost\r\n\r\n`, reads: false },
})

test('S7: 500 slow clients are cut off within 20 s, and honest ones are served meanwhile', async () => {
  const ana = world.user('ana')
  await ana.register()
  const before = connectionsOf(world.server.pid)
  const kinds = ways(ana.token, await largestFile())
  const started = performance.now()
  const closed = new Map<string, number[]>()
  for (const [name, way] of Object.entries(kinds)) {
    const times: number[] = []
    closed.set(name, times)
    for (let n = 0; n < way.clients; n++) open(way, () => times.push(performance.now() - started))
  }
  expect(sockets).toHaveLength(500)
  const honest = serveOthers(ana.token)
  let most = 0
  await until('500 connections', () => (most = Math.max(most, connectionsOf(world.server.pid))) >= before + 480)
  const slow = performance.now()
  const left = () => connectionsOf(world.server.pid) - before
  const areCut = await until('the end', () => left() <= OTHERS, { timeoutMs: WITHIN_MS, everyMs: 200 }).catch(
    () => false,
  )
  const whoIsLeft = `${left()} left; gone: ${[...closed].map(([name, times]) => `${name} ${times.length}`).join(', ')}`
  const { faults, served, slowest } = await honest.stop()
  console.log(
    `S7: all cut off after ${Math.round(performance.now() - slow)} ms; others: ${served}, slowest ${slowest} ms`,
  )
  expect({ areCut, whoIsLeft }).toMatchObject({ areCut: true })
  // Who does not read does not see the end either; the server's own count is what tells.
  const read = Object.entries(kinds).filter(([, way]) => way.reads !== false)
  // A few may be cut only now: of what is left some are slow ones, while others have fewer connections than they may.
  await until('the last to see it', () => read.every(([name, way]) => closed.get(name)!.length === way.clients))
  for (const [name] of read) expect(Math.max(...closed.get(name)!)).toBeLessThan(WITHIN_MS + (slow - started))
  expect(faults).toEqual([])
  expect(served).toBeGreaterThan(20)
  expect(slowest).toBeLessThan(PATIENCE_MS)
  expect(world.server.log().filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([])
}, 90_000)

function open({ first, drip = '', reads = true }: Way, onClose: () => void): void {
  const socket = connect(world.server.port, '127.0.0.1', () => {
    if (first !== undefined) socket.write(first)
  })
  sockets.push(socket)
  let at = 0
  const dripping = setInterval(() => {
    if (drip === '') return
    const piece = drip.length > 20 ? drip[at++ % drip.length]! : drip
    if (socket.writable) socket.write(piece)
  }, DRIP_MS)
  if (reads) socket.resume()
  socket.on('error', () => undefined)
  socket.on('close', () => (clearInterval(dripping), onClose()))
}

/** Requests of every kind, one after the other at each of four connections, until they are told to stop. */
function serveOthers(token: string) {
  const faults: string[] = []
  let [served, slowest, isOver] = [0, 0, false]
  const calls: [string, string, number][] = [
    ['GET', '/healthz', 200],
    ['GET', '/api/users/push-token', 200],
    ['POST', '/test-push-notification/ana', 200],
    ['GET', '/nope', 404],
  ]
  const work = calls.map(async ([method, path, expected]) => {
    while (!isOver) {
      const { status, ms } = await world
        .call(method, path, { token })
        .catch((error: Error) => ({ status: error.message, ms: 0 }))
      if (status !== expected) faults.push(`${method} ${path}: ${status}`)
      served++
      slowest = Math.max(slowest, Math.round(ms))
      await new Promise((resume) => setTimeout(resume, 100))
    }
  })
  return {
    async stop() {
      isOver = true
      await Promise.all(work)
      return { faults, served, slowest }
    },
  }
}

/** How many the server holds, as the kernel sees it. */
function connectionsOf(pid: number): number {
  const own = new Set<string>()
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    try {
      own.add(readlinkSync(`/proc/${pid}/fd/${fd}`))
    } catch {
      // Closed since the folder was read.
    }
  }
  const ESTABLISHED = '01'
  const CLOSE_WAIT = '08'
  const rows = ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8').split('\n').slice(1),
  )
  return rows.filter((row) => {
    const [, , , state, , , , , , inode] = row.trim().split(/\s+/)
    return (state === ESTABLISHED || state === CLOSE_WAIT) && own.has(`socket:[${inode}]`)
  }).length
}

/** So large that it fits into no buffer between the server and who does not read. */
async function largestFile(): Promise<string> {
  const { text } = await world.call('GET', '/sandbox/assets/emoji.css')
  return `/sandbox/assets/${/url\(["']?([^"')]+)/.exec(text)![1]!.replace(/^.*\//, '')}`
}
