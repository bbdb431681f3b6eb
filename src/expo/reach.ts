/**
 * Whether Expo can be reached, and if not, how far one gets: the name, the connection, TLS, HTTP. What is sent is an
 * empty list, which notifies nobody.
 */
import { lookup } from 'node:dns/promises'
import { connect as connectTcp } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { exchangeOnce, jsonHeaders } from './exchange.ts'

export type Step = 'DNS' | 'TCP' | 'TLS' | 'HTTP'

export type Reach =
  | { kind: 'failed'; step: Step; reason: string }
  /** @param isExpo whether the answer is one of Expo's kind, and not some proxy's or login page's. */
  | { kind: 'answered'; status: number; isExpo: boolean; message: string | null; aheadMs: number | null; ms: number }

export interface ReachOptions {
  sendUrl: string
  accessToken?: string
  /** For each step. */
  timeoutMs: number
}

export async function reachExpo(options: ReachOptions): Promise<Reach> {
  const url = new URL(options.sendUrl)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80)
  let step: Step = 'DNS'
  try {
    const { address } = await inTime(options.timeoutMs, lookup(host))
    step = 'TCP'
    await connected(options.timeoutMs, connectTcp({ host: address, port }), 'connect')
    if (url.protocol === 'https:') {
      step = 'TLS'
      await connected(options.timeoutMs, connectTls({ host: address, port, servername: host }), 'secureConnect')
    }
    step = 'HTTP'
    return await ask(url, options)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return { kind: 'failed', step, reason: code ?? message }
  }
}

async function ask(url: URL, { accessToken, timeoutMs }: ReachOptions): Promise<Reach> {
  const started = performance.now()
  const { status, headers, body } = await exchangeOnce({
    url,
    headers: jsonHeaders(accessToken),
    body: '[]',
    timeoutMs,
  })
  const ms = performance.now() - started
  const date = Date.parse(String(headers.date))
  return {
    kind: 'answered',
    status,
    ...judge(body),
    // The header tells whole seconds.
    aheadMs: Number.isNaN(date) ? null : Math.round(date + 500 - (Date.now() - ms / 2)),
    ms: Math.round(ms),
  }
}

function judge(text: string): { isExpo: boolean; message: string | null } {
  try {
    const { data, errors } = JSON.parse(text) as { data?: unknown; errors?: { message?: unknown }[] }
    const [first] = Array.isArray(errors) ? errors : []
    const message = typeof first?.message === 'string' ? first.message.slice(0, 300) : null
    return { isExpo: Array.isArray(data) || Array.isArray(errors), message }
  } catch {
    return { isExpo: false, message: null }
  }
}

function connected(timeoutMs: number, socket: ReturnType<typeof connectTcp>, event: string): Promise<void> {
  const done = new Promise<void>((resolve, reject) => {
    socket.once(event, () => resolve())
    socket.once('error', reject)
  })
  return inTime(timeoutMs, done).finally(() => socket.destroy())
}

/** A name server that does not answer holds `lookup` up for longer than anybody waits. */
async function inTime<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  const over = new AbortController()
  const late = wait(timeoutMs, undefined, { signal: over.signal }).then(() => {
    throw new Error(`no answer within ${timeoutMs / 1_000} s`)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    late.catch(() => undefined)
    over.abort()
  }
}
