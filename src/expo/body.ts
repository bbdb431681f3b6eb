/** An answer's text, unpacked, up to a limit: a proxy's page or a gzip bomb must not fill the memory. */
import { promisify } from 'node:util'
import { gunzip, inflate } from 'node:zlib'
import type { Dispatcher } from 'undici'

/** 1,000 receipts with long messages are about 300 KB. Packed, the connection watches over it; unpacked, we do. */
export const MAX_BODY_BYTES = 1_000_000
const unpack = { gzip: promisify(gunzip), 'x-gzip': promisify(gunzip), deflate: promisify(inflate) }

export async function readBody({ body, headers }: Pick<Dispatcher.ResponseData, 'body' | 'headers'>): Promise<string> {
  const name = String(headers['content-encoding'] ?? 'identity')
    .trim()
    .toLowerCase()
  if (!Object.hasOwn(unpack, name)) return body.text()
  const unpacked = await unpack[name as keyof typeof unpack](await body.bytes(), { maxOutputLength: MAX_BODY_BYTES })
  return unpacked.toString('utf8')
}
