/**
 * Ticket ids in the ledger. Expo's are UUIDs, kept as bytes, 16 each, in the order of the delivery's push tokens; nil where there
 * is none. Such a delivery has an empty list of ids: an older program that is still at work beside this one, and knows no bytes,
 * takes its receipts for not there yet, and puts them off. Ids of any other kind are a list.
 */
import { type RawBuilder, sql } from 'kysely'

export const UUID_BYTES = 16
const NIL = '00000000-0000-0000-0000-000000000000'
const isHyphen = Array.from(NIL, (character) => character === '-')
const HYPHEN = '-'.charCodeAt(0)

/** By character code, what a digit stands for. Small letters, as Expo writes them: what is read must be what was written. */
const digits = new Int8Array(0x1_0000).fill(-1)
for (const [value, digit] of Array.from('0123456789abcdef').entries()) digits[digit.charCodeAt(0)] = value

/**
 * By hand, because every ticket there is goes this way.
 * @param bytes those from `start` on are written. @returns whether all of the ids are UUIDs.
 */
export function packUuids(ids: readonly (string | null)[], bytes: Uint8Array, start: number): boolean {
  return ids.every((id, index) => id !== NIL && packUuid(id ?? NIL, bytes, start + index * UUID_BYTES))
}

function packUuid(id: string, bytes: Uint8Array, start: number): boolean {
  if (id.length !== NIL.length) return false
  let next = start
  for (let place = 0; place < NIL.length; place += 2) {
    if (isHyphen[place]) {
      if (id.charCodeAt(place) !== HYPHEN) return false
      place += 1
    }
    const byte = (digits[id.charCodeAt(place)]! << 4) | digits[id.charCodeAt(place + 1)]!
    if (byte < 0) return false
    bytes[next] = byte
    next += 1
  }
  return true
}

/** @returns one for each recipient. */
export function unpackUuids(bytes: Uint8Array): (string | null)[] {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
  return Array.from({ length: bytes.length / UUID_BYTES }, (_, index) => {
    const own = hex.slice(index * 2 * UUID_BYTES, (index + 1) * 2 * UUID_BYTES)
    const id = own.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
    return id === NIL ? null : id
  })
}

/** In SQL, of a delivery `d`. @param position from 1. */
export function ticketIdAt(position: RawBuilder<unknown>): RawBuilder<unknown> {
  const size = sql.lit(UUID_BYTES)
  const uuid = sql`encode(substring(d.ticket_uuids from (${position} - 1) * ${size} + 1 for ${size}), 'hex')::uuid::text`
  return sql`coalesce(d.ticket_ids[${position}], nullif(${uuid}, ${sql.lit(NIL)}))`
}
