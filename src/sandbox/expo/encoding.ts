/** Bodies over the wire: unpacked within bounds, packed when the caller takes it. */
import { promisify } from 'node:util'
import { deflate, gunzip, gzip, inflate } from 'node:zlib'

/** A hundred messages of twice the allowed size still fit; Expo documents no limit. */
export const MAX_BODY_BYTES = 2 * 1024 * 1024
/** Below this packing costs more than it saves. */
const MIN_PACKED_BYTES = 512
/** Answers are short: a small window packs them as well, in a tenth of the memory. */
const SMALL = { level: 1, windowBits: 12, memLevel: 5, chunkSize: 2048 }

export type Unpacked = { ok: true; json: unknown } | { ok: false; status: number; message: string }

export async function readJson(raw: Buffer, encoding: string | undefined): Promise<Unpacked> {
  const unpacked = await unpack(raw, encoding)
  if (typeof unpacked === 'string') return { ok: false, status: 400, message: unpacked }
  if (unpacked.length > MAX_BODY_BYTES) return { ok: false, status: 413, message: 'The request body is too large.' }
  try {
    return { ok: true, json: JSON.parse(unpacked.toString('utf8')) }
  } catch {
    return { ok: false, status: 400, message: 'The request body is not valid JSON.' }
  }
}

async function unpack(raw: Buffer, encoding = 'identity'): Promise<Buffer | string> {
  const limit = { maxOutputLength: MAX_BODY_BYTES }
  try {
    if (encoding === 'identity') return raw
    if (encoding === 'gzip') return await promisify(gunzip)(raw, limit)
    if (encoding === 'deflate') return await promisify(inflate)(raw, limit)
    return `The Content-Encoding "${encoding.slice(0, 40)}" is not supported.`
  } catch {
    return 'The request body could not be unpacked, or is too large.'
  }
}

export interface Packed {
  body: Buffer
  encoding?: 'gzip' | 'deflate'
}

export async function pack(body: string, accepts = ''): Promise<Packed> {
  const plain = Buffer.from(body)
  if (plain.length < MIN_PACKED_BYTES) return { body: plain }
  if (/\bgzip\b/.test(accepts)) return { body: await promisify(gzip)(plain, SMALL), encoding: 'gzip' }
  if (/\bdeflate\b/.test(accepts)) return { body: await promisify(deflate)(plain, SMALL), encoding: 'deflate' }
  return { body: plain }
}
