/**
 * One POST and its answer. Not by undici's own `request`: what goes through that, body and all, outlives the young
 * generation of the garbage collector, and collecting the old one was a fifth of a broadcast's CPU time.
 */
import { promisify } from 'node:util'
import { gunzip, inflate } from 'node:zlib'
import { Client, type Dispatcher } from 'undici'

/** 1,000 receipts with long messages are about 300 KB. Packed, the connection watches over it; unpacked, we do. */
const MAX_BODY_BYTES = 1_000_000
/**
 * Of any connection to Expo. HTTP/1.1, as Expo's own SDK: over HTTP/2 all requests share one connection, a time limit ends only its own of
 * them, and one that has fallen silent would be asked again and again. Nor is one kept for as long as a server would like: while
 * nothing goes over it, nobody hears it fall silent.
 */
export const CONNECTION = { maxResponseSize: MAX_BODY_BYTES, allowH2: false, keepAliveMaxTimeout: 4_000 }
const unpack = { gzip: promisify(gunzip), 'x-gzip': promisify(gunzip), deflate: promisify(inflate) }

export interface Post {
  url: URL
  headers: Record<string, string>
  body: string
  /** The answer included. */
  timeoutMs: number
  /** Told when there is a connection, before anything is written to it. */
  onStart?: () => void
}

export interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: string
}

/** Of any request to Expo. */
export function jsonHeaders(accessToken: string | undefined): Record<string, string> {
  return {
    accept: 'application/json',
    'content-type': 'application/json',
    ...(accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` }),
  }
}

/** Over a connection of its own. */
export async function exchangeOnce(post: Post): Promise<Answer> {
  const client = new Client(post.url.origin, CONNECTION)
  try {
    return await exchange(client, post)
  } finally {
    await client.destroy()
  }
}

/** Rejects when there is no answer in time, and with what undici says of the connection. */
export async function exchange(dispatcher: Dispatcher, post: Post): Promise<Answer> {
  const { bytes, ...answer } = await dispatched(dispatcher, post)
  return { ...answer, body: await textOf(bytes, answer.headers) }
}

type Packed = Omit<Answer, 'body'> & { bytes: Buffer }

function dispatched(dispatcher: Dispatcher, { url, headers, body, timeoutMs, onStart }: Post): Promise<Packed> {
  return new Promise((resolve, reject) => {
    const answer = { status: 0, headers: {} as Answer['headers'] }
    const chunks: Buffer[] = []
    let controller: Dispatcher.DispatchController | undefined
    let late: Error | undefined
    const timer = setTimeout(() => {
      late = new Error(`no answer within ${timeoutMs} ms`)
      controller?.abort(late)
      reject(late)
    }, timeoutMs)
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart(started) {
        controller = started
        if (late) started.abort(late)
        else onStart?.()
      },
      onResponseStart(_, status, fields) {
        // Also of 1xx, which the answer's own then replaces.
        Object.assign(answer, { status, headers: fields })
      },
      onResponseData(_, chunk) {
        chunks.push(chunk)
      },
      onResponseEnd() {
        clearTimeout(timer)
        resolve({ ...answer, bytes: Buffer.concat(chunks) })
      },
      onResponseError(_, error) {
        clearTimeout(timer)
        reject(error)
      },
    }
    dispatcher.dispatch({ method: 'POST', path: url.pathname + url.search, headers, body }, handler)
  })
}

/** A proxy's page or a gzip bomb must not fill the memory. */
async function textOf(bytes: Buffer, headers: Answer['headers']): Promise<string> {
  const name = String(headers['content-encoding'] ?? 'identity')
    .trim()
    .toLowerCase()
  if (!Object.hasOwn(unpack, name)) return decode(bytes)
  return decode(await unpack[name as keyof typeof unpack](bytes, { maxOutputLength: MAX_BODY_BYTES }))
}

/** Without a byte order mark, which JSON has none of. */
function decode(bytes: Buffer): string {
  const text = bytes.toString('utf8')
  return text.startsWith('\u{feff}') ? text.slice(1) : text
}
