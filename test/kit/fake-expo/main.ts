/**
 * The fake Expo: a process of its own that takes pushes as Expo does, goes wrong as planned, and keeps the truth about
 * what it took. Prints its port; ends when the pipe to its standard input does.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync, gzipSync } from 'node:zlib'
import { type Answer, accept, type Judge, problem, receipts, refusal } from './answer.ts'
import { Ledger, SlidingSecond } from './ledger.ts'
import {
  ambiguous,
  calm,
  chooseFault,
  chooseLatency,
  type Dice,
  dice,
  type FaultName,
  type Plan,
  taken,
} from './plan.ts'
import type { Message } from './validate.ts'

const MEBIBYTE = 1024 * 1024
const bomb = gzipSync(Buffer.alloc(64 * MEBIBYTE))

interface State extends Judge {
  dice: Dice
  received: SlidingSecond
  inFlight: number
  maxInFlight: number
  requests: number
  /** Requests by their number of recipients. */
  sizes: Record<number, number>
  statuses: Record<number, number>
  faults: Partial<Record<FaultName, number>>
  receiptRequests: number
  maxReceiptIds: number
  violations: string[]
}

let state = begin({})

function begin(wish: Partial<Plan>): State {
  const violations: string[] = []
  const judge = {
    ledger: new Ledger(),
    rates: new Map(),
    asked: new SlidingSecond(),
    violations,
    violate: (what: string) => void (violations.length < 100 && violations.push(what)),
  }
  const counts = { requests: 0, sizes: {}, statuses: {}, faults: {}, receiptRequests: 0, maxReceiptIds: 0 }
  return {
    ...judge,
    ...counts,
    received: new SlidingSecond(),
    inFlight: 0,
    maxInFlight: 0,
    ...prepare({ ...calm, ...wish }),
  }
}

function prepare(plan: Plan): Pick<State, 'plan' | 'lists' | 'dice'> {
  // Without a prototype, so that a token is never taken for a method of Object.
  for (const name of ['ticketCodes', 'receiptCodes', 'projects'] as const)
    plan[name] = Object.assign(Object.create(null) as Record<string, string>, plan[name])
  const lists = {
    poison: new Set(plan.poison),
    receiptMissing: new Set(plan.receiptMissing),
    hasProjects: Object.keys(plan.projects).length > 0,
  }
  return { plan, lists, dice: dice(plan.seed) }
}

const server = createServer((request, response) => {
  const path = request.url ?? ''
  if (path.startsWith('/control/')) return read(request, (body) => control(path.slice(9), body, response))
  if (state.plan.down) return void request.socket.resetAndDestroy()
  if (path === '/--/api/v2/push/send') return send(request, response)
  if (path === '/--/api/v2/push/getReceipts') return read(request, (body) => askedForReceipts(request, body, response))
  state.violate(`${request.method} ${path}: nobody answers there`)
  reply(response, problem(404, 'NOT_FOUND', 'Not found'))
})

function read(request: IncomingMessage, then: (body: Buffer) => void): void {
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => parts.push(part))
  request.on('error', () => {})
  request.on('end', () => then(parts.length === 1 ? parts[0]! : Buffer.concat(parts)))
}

function parse(request: IncomingMessage, body: Buffer): unknown {
  try {
    const plain = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body
    return JSON.parse(plain.toString()) as unknown
  } catch {
    return undefined
  }
}

/** Headers that Expo asks for; a wrong access token is answered, the rest is written down. */
function checkHeaders(request: IncomingMessage): Answer | undefined {
  if (request.method !== 'POST') state.violate(`${request.method} instead of POST`)
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? '')) state.violate('content-type is not JSON')
  if (!(request.headers.accept ?? '*/*').match(/application\/json|\*\/\*/)) state.violate('accept is not JSON')
  const { accessToken } = state.plan
  if (accessToken === null || request.headers.authorization === `Bearer ${accessToken}`) return undefined
  return problem(401, 'UNAUTHORIZED', 'Insufficient permissions to send push notifications.')
}

function send(request: IncomingMessage, response: ServerResponse): void {
  const mine = state
  mine.requests++
  mine.inFlight++
  mine.maxInFlight = Math.max(mine.maxInFlight, mine.inFlight)
  response.once('close', () => mine.inFlight--)
  const fault = chooseFault(mine.plan, mine.dice)
  if (fault !== undefined) mine.faults[fault] = (mine.faults[fault] ?? 0) + 1
  read(request, (body) => {
    const now = performance.timeOrigin + performance.now()
    const answer = checkHeaders(request) ?? take(request, body, fault, now)
    const latency = chooseLatency(mine.plan, mine.dice)
    if (latency > 0) setTimeout(deliver, latency, request, response, answer, fault)
    else deliver(request, response, answer, fault)
  })
}

/** What is true after this request, whatever the sender gets to hear. */
function take(request: IncomingMessage, body: Buffer, fault: FaultName | undefined, now: number): Answer {
  const parsed = parse(request, body)
  const checked = refusal(state, parsed, now)
  if ('status' in checked) return checked
  const { messages, recipients } = checked
  state.received.add(now, recipients)
  state.sizes[recipients] = (state.sizes[recipients] ?? 0) + 1
  if (fault !== undefined && ambiguous.has(fault)) state.ledger.leaveUnclear(messages)
  if (fault !== undefined && !taken.has(fault))
    return problem(500, 'INTERNAL_SERVER_ERROR', 'An unknown error occurred.')
  return accept(state, messages, body.length, now)
}

function deliver(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  fault: FaultName | undefined,
): void {
  const html = '<html><body>upstream connect error</body></html>'
  // A refusal of the request itself is answered as such; there is nothing to be unclear about.
  if (fault === undefined || (answer.status >= 400 && answer.status < 500)) return reply(response, answer)
  switch (fault) {
    case 'status500':
      return reply(response, answer)
    case 'status429':
      return reply(
        response,
        problem(429, 'TOO_MANY_REQUESTS', 'Exceeded 600 notifications per second, please try again.'),
      )
    case 'status429RetryAfter':
      return reply(response, { status: 429, body: '' }, { 'retry-after': '1' })
    case 'redirect':
      return reply(response, { status: 307, body: '' }, { location: `http://${request.headers.host}/elsewhere` })
    case 'status504AfterAccept':
      return reply(response, { status: 504, body: html }, { 'content-type': 'text/html' })
    case 'resetBefore':
    case 'resetAfterAccept':
      return void request.socket.resetAndDestroy()
    case 'halfBody':
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(answer.body) })
      return void response.write(answer.body.slice(0, answer.body.length / 2), () => request.socket.destroy())
    case 'garbage':
      return reply(response, { status: 200, body: html }, { 'content-type': 'text/html' })
    case 'shortArray':
      return reply(response, { status: 200, body: JSON.stringify({ data: dataOf(answer).slice(1) }) })
    case 'slowLoris':
      return trickle(response, answer.body)
    case 'gzipBomb':
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
      return void response.end(bomb)
  }
}

function dataOf(answer: Answer): unknown[] {
  return (JSON.parse(answer.body) as { data: unknown[] }).data
}

function reply(response: ServerResponse, answer: Answer, headers: Record<string, string> = {}): void {
  state.statuses[answer.status] = (state.statuses[answer.status] ?? 0) + 1
  const length = Buffer.byteLength(answer.body)
  response.writeHead(answer.status, { 'content-type': 'application/json', 'content-length': length, ...headers })
  response.end(answer.body)
}

function trickle(response: ServerResponse, body: string): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
  let at = 0
  const timer = setInterval(() => response.write(body[at++] ?? ' '), 250)
  response.once('close', () => clearInterval(timer))
}

function askedForReceipts(request: IncomingMessage, body: Buffer, response: ServerResponse): void {
  const parsed = parse(request, body)
  const ids = (parsed as { ids?: unknown[] } | undefined)?.ids
  state.receiptRequests++
  state.maxReceiptIds = Math.max(state.maxReceiptIds, ids?.length ?? 0)
  const now = performance.timeOrigin + performance.now()
  const answer = checkHeaders(request) ?? receipts(state, parsed, now, state.dice)
  const latency = chooseLatency(state.plan, state.dice)
  if (latency > 0) setTimeout(reply, latency, response, answer)
  else reply(response, answer)
}

function control(path: string, body: Buffer, response: ServerResponse): void {
  const [what, argument = ''] = path.split('/')
  const wish = (body.length > 0 ? JSON.parse(body.toString()) : {}) as Partial<Plan>
  const token = decodeURIComponent(argument)
  const answers: Record<string, () => unknown> = {
    /** Changes the plan; the ledger stays. */
    plan: () => Object.assign(state, prepare({ ...state.plan, ...wish })).plan.seed,
    /** A new life with this plan and an empty ledger. */
    reset: () => (state = begin(wish)).plan.seed,
    report,
    /** The cheap part of the report, for those who wait. */
    pulse: () => ({ requests: state.requests, inFlight: state.inFlight, accepted: state.ledger.accepted }),
    counts: () => state.ledger.countsOf(token),
    pushes: () => state.ledger.pushesTo(token),
    refused: () => state.ledger.refused,
    receipts: () => receiptTruth(state.ledger, token),
    /** All of it, in columns. */
    ledger: () => state.ledger.columns(),
  }
  const answer = answers[what ?? '']
  reply(response, { status: answer ? 200 : 404, body: JSON.stringify(answer?.() ?? null) })
}

/** How often receipts were asked for, by device, for one notification or for all. */
function receiptTruth(ledger: Ledger, notification: string): Record<string, number> {
  const asked: Record<string, number> = {}
  ledger.tokens.forEach((token, place) => {
    const of = (ledger.messages[place] as Message).data?.notification_id
    if (notification === '' || of === notification) asked[token] = (asked[token] ?? 0) + ledger.receiptAsked[place]!
  })
  return asked
}

function report(): object {
  const { ledger } = state
  const codes: Record<string, number> = {}
  for (const { code } of ledger.refused) codes[code] = (codes[code] ?? 0) + 1
  const unclear = [...ledger.ambiguous.values()].flatMap((counts) => [...counts.values()])
  return {
    seed: state.plan.seed,
    requests: state.requests,
    accepted: ledger.accepted,
    refused: codes,
    notifications: ledger.byNotification(),
    sizes: state.sizes,
    statuses: state.statuses,
    maxPerSecond: state.received.max,
    maxAskedPerSecond: state.asked.max,
    maxInFlight: state.maxInFlight,
    faults: state.faults,
    ambiguous: Object.entries(state.faults).reduce(
      (sum, [name, n]) => sum + (ambiguous.has(name as FaultName) ? n : 0),
      0,
    ),
    maxAmbiguousPerDevice: unclear.reduce((max, n) => Math.max(max, n), 0),
    receiptRequests: state.receiptRequests,
    receiptsAsked: ledger.receiptAsked.reduce((sum, n) => sum + n, 0),
    ticketsNeverAsked: ledger.receiptAsked.reduce((sum, n) => sum + (n === 0 ? 1 : 0), 0),
    maxReceiptIds: state.maxReceiptIds,
    violations: state.violations,
  }
}

server.keepAliveTimeout = 30_000
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  console.log(`fake Expo on ${(server.address() as AddressInfo).port}`)
})
process.stdin.resume().on('end', () => process.exit(0))
