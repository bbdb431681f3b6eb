/** Requests to the server under test, with what tests look at in the answer. */
import { Agent, request } from 'node:http'

export interface Answer<Body = Record<string, unknown>> {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: Body
  text: string
  ms: number
}

export interface Call {
  /** A bearer token. */
  token?: string
  json?: unknown
  form?: Record<string, string>
  /** As it is. */
  raw?: string | Buffer
  headers?: Record<string, string>
  timeoutMs?: number
}

/** Keeps connections, as an app or a backend does; idle ones never keep a test process alive. */
const agent = new Agent({ keepAlive: true, maxSockets: 64 })

export async function call<Body = Record<string, unknown>>(
  method: string,
  url: string,
  { token, json, form, raw, headers = {}, timeoutMs = 30_000 }: Call = {},
): Promise<Answer<Body>> {
  const started = performance.now()
  const [content, type] = contentOf(json, form, raw)
  const all: Record<string, string> = {}
  if (type !== undefined) all['content-type'] = type
  if (content !== undefined) all['content-length'] = String(Buffer.byteLength(content))
  if (token !== undefined) all.authorization = `Bearer ${token}`
  Object.assign(all, headers)
  return new Promise((done, fail) => {
    const signal = AbortSignal.timeout(timeoutMs)
    const asked = request(url, { method, headers: all, agent, signal }, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('error', fail)
      response.on('end', () => {
        const text = Buffer.concat(parts).toString()
        const { statusCode: status = 0, headers: received } = response
        done({ status, headers: received, body: parse(text) as Body, text, ms: performance.now() - started })
      })
    })
    asked.on('error', fail)
    asked.end(content)
  })
}

function contentOf(
  json: unknown,
  form: Call['form'],
  raw: Call['raw'],
): [string | Buffer | undefined, string | undefined] {
  if (raw !== undefined) return [raw, undefined]
  if (form !== undefined) return [new URLSearchParams(form).toString(), 'application/x-www-form-urlencoded']
  return json === undefined ? [undefined, undefined] : [JSON.stringify(json), 'application/json']
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Does the work for every item, so many at a time, in order of the items. */
export async function eachOf<T>(
  items: Iterable<T>,
  atOnce: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const row = items[Symbol.iterator]()
  const worker = async () => {
    for (let next = row.next(); !next.done; next = row.next()) await work(next.value)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}
