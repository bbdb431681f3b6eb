/** An answer's text, unpacked, up to a limit: a proxy's page or a gzip bomb must not fill the memory. */
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { gunzip, inflate } from 'node:zlib'

/** 1,000 receipts with long messages are about 300 KB. */
const MAX_BODY_BYTES = 1_000_000
const unpack = { gzip: promisify(gunzip), 'x-gzip': promisify(gunzip), deflate: promisify(inflate) }

export class BodyTooBig extends Error {}

export async function readBody(stream: Readable, encoding: string | string[] | undefined): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_BODY_BYTES) {
      stream.destroy()
      throw new BodyTooBig(`the answer is longer than ${MAX_BODY_BYTES} bytes`)
    }
    chunks.push(chunk)
  }
  const packed = Buffer.concat(chunks)
  const name = String(encoding ?? 'identity')
    .trim()
    .toLowerCase()
  const unpacker = Object.hasOwn(unpack, name) ? unpack[name as keyof typeof unpack] : undefined
  return (unpacker ? await unpacker(packed, { maxOutputLength: MAX_BODY_BYTES }) : packed).toString('utf8')
}
