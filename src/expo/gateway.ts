/**
 * The only HTTP to Expo. Every answer becomes a value that says whether the recipients can have been reached; nothing
 * here retries, and nothing throws for what the network did.
 */
import { lookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { Pool } from 'undici'
import type { ExpoMessage } from '../domain/messages/expo-message.ts'
import type { PushGateway, ReceiptsAnswer, SendAnswer } from '../ports.ts'
import { type Answer, CONNECTION, exchange, jsonHeaders } from './exchange.ts'
import { parseReceipts, parseRequestError, parseTickets } from './parse.ts'

export interface GatewayOptions {
  sendUrl: string
  receiptsUrl: string
  accessToken?: string | undefined
  maxConcurrentRequests: number
  /** One request, answer included. */
  timeoutMs: number
  userAgent: string
}

type Exchanged = { answer: Answer } | { failure: { reason: string; sent: boolean } }

export function openGateway(options: GatewayOptions): PushGateway {
  const headers = {
    ...jsonHeaders(options.accessToken),
    'accept-encoding': 'gzip, deflate',
    'user-agent': options.userAgent,
  }
  const send = new URL(options.sendUrl)
  const receipts = new URL(options.receiptsUrl)
  const pool = new Pool(send.origin, {
    ...CONNECTION,
    connections: options.maxConcurrentRequests,
    pipelining: 1,
    connect: { timeout: Math.min(10_000, options.timeoutMs), lookup: lookupForAll() },
    headersTimeout: options.timeoutMs,
    bodyTimeout: options.timeoutMs,
  })

  async function post(url: URL, body: unknown): Promise<Exchanged> {
    const { timeoutMs } = options
    let sent = false
    const onStart = () => void (sent = true)
    try {
      return { answer: await exchange(pool, { url, headers, body: JSON.stringify(body), timeoutMs, onStart }) }
    } catch (error) {
      return { failure: { reason: describe(error as NodeJS.ErrnoException), sent } }
    }
  }

  return {
    async send(messages: ExpoMessage[]): Promise<SendAnswer> {
      const recipients = messages.reduce((sum, message) => sum + message.to.length, 0)
      const exchanged = await post(send, messages)
      return 'answer' in exchanged ? readSend(exchanged.answer, recipients) : sendFailure(exchanged.failure)
    },
    async receipts(ticketIds): Promise<ReceiptsAnswer> {
      const exchanged = await post(receipts, { ids: ticketIds })
      if ('failure' in exchanged) return { kind: 'later', reason: exchanged.failure.reason }
      const { answer } = exchanged
      const parsed = answer.status === 200 ? parseReceipts(answer.body) : undefined
      if (parsed) return { kind: 'receipts', receipts: parsed }
      const refusal = isRefusal(answer.status) ? parseRequestError(answer.body) : undefined
      if (refusal && !ABOUT_THE_CALLER.has(refusal.code)) return { kind: 'refused', status: answer.status, ...refusal }
      return { kind: 'later', reason: describeAnswer(answer), status: answer.status, ...retryAfter(answer) }
    },
    close: () => pool.destroy(),
  }
}

/**
 * The system has two threads on which a process looks names up, and waits on each as long as a name server is silent. All
 * connections wait for the same answer: the database's name has the other thread.
 */
function lookupForAll(): LookupFunction {
  let waiting: Parameters<LookupFunction>[2][] = []
  return (host, options, done) => {
    if (waiting.push(done) > 1) return
    lookup(host, options, (...answer) => {
      const all = waiting
      waiting = []
      for (const one of all) one(...answer)
    })
  }
}

function describe({ code, message }: NodeJS.ErrnoException): string {
  return code && !message.includes(code) ? `${code}: ${message}` : message || String(code)
}

function sendFailure({ reason, sent }: { reason: string; sent: boolean }): SendAnswer {
  return sent ? { kind: 'ambiguous', reason } : { kind: 'later', reason }
}

const ABOUT_THE_CALLER = new Set(['UNAUTHORIZED', 'TOO_MANY_REQUESTS'])

/** For something in the request, where an error says so; not for who asks, or how often. */
const isRefusal = (status: number) =>
  status === 200 || (status >= 400 && status < 500 && ![401, 403, 429].includes(status))

/** What is not one of Expo's documented answers may have been sent: it is ambiguous, never a no. */
function readSend(answer: Answer, recipients: number): SendAnswer {
  const { status } = answer
  const tickets = status === 200 ? parseTickets(answer.body) : undefined
  if (tickets?.length === recipients) return { kind: 'tickets', tickets }
  // Expo documents its codes, and next to no status.
  const error = parseRequestError(answer.body)
  if (status === 429 || error?.code === 'TOO_MANY_REQUESTS') {
    return {
      kind: 'later',
      reason: error?.message ?? 'too many requests',
      status,
      rateLimited: true,
      ...retryAfter(answer),
    }
  }
  if (status === 401 || status === 403 || error?.code === 'UNAUTHORIZED') {
    return {
      kind: 'refused',
      status: status === 403 ? 403 : 401,
      code: error?.code ?? 'UNAUTHORIZED',
      message: error?.message ?? describeAnswer(answer),
    }
  }
  if (error && (status === 200 || (status >= 400 && status < 500))) return { kind: 'refused', status, ...error }
  return { kind: 'ambiguous', reason: whyUnclear(answer, recipients, tickets?.length), status }
}

function whyUnclear(answer: Answer, recipients: number, tickets: number | undefined): string {
  if (answer.status !== 200) return describeAnswer(answer)
  if (tickets === undefined) return 'an answer that is no JSON of tickets'
  return `${tickets} tickets for ${recipients} recipients`
}

/** What stands between Expo and here may say days by mistake; asking once in a while costs one request. */
const LONGEST_RETRY_AFTER_SECONDS = 10 * 60

/** Seconds or a date; Expo documents neither, so nothing depends on it. */
function retryAfter(answer: Answer): { afterMs?: number } {
  const header = answer.headers['retry-after']
  if (typeof header !== 'string') return {}
  const seconds = /^\d{1,6}$/.test(header.trim()) ? Number(header) : (Date.parse(header) - Date.now()) / 1000
  return Number.isFinite(seconds) && seconds >= 0
    ? { afterMs: Math.min(seconds, LONGEST_RETRY_AFTER_SECONDS) * 1000 }
    : {}
}

function describeAnswer({ status, body }: Answer): string {
  return `HTTP ${status}: ${body.slice(0, 200).replace(/\s+/g, ' ').trim() || 'no body'}`
}
