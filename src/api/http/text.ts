/**
 * Every string that reaches SQL is checked here: that it is a string, not too long, and free of what PostgreSQL
 * refuses (NUL) or would store as something else (lone surrogates).
 */
import { z } from 'zod'
import { Fault } from './faults.ts'
import { missing, type Thing } from './missing.ts'

export const MAX_ID_LENGTH = 128
const MAX_DEPTH = 20
const MAX_ITEMS = 1_000
const BODY_LIMIT = 256 * 1024

export const NOT_TEXT = 'holds a character that is not text'

/** Of a string, or of whatever JSON there is, its keys included. */
export function isText(value: unknown): boolean {
  if (typeof value === 'string') return !value.includes('\0') && value.isWellFormed()
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value).every(([key, item]) => isText(key) && isText(item))
}

/** @param most characters as people count them in code points, not in UTF-16 units. */
export function text(least: number, most = BODY_LIMIT) {
  return z
    .string({ error: ({ input }) => (input === undefined ? 'is missing' : 'must be a string') })
    .refine(isText, NOT_TEXT)
    .refine((value) => lengthOf(value) >= least, least === 1 ? 'must not be empty' : `needs ${least} characters`)
    .refine((value) => lengthOf(value) <= most, `takes at most ${most} characters`)
    .meta({ ...(least > 0 && { minLength: least }), maxLength: most })
}

export function optionalText(most: number) {
  return z
    .preprocess((value) => value || undefined, text(1, most).optional())
    .meta({ type: ['string', 'null'], maxLength: most })
}

export const id = () => text(1, MAX_ID_LENGTH)

/** One of a few words, in any letter case. */
export function word<const T extends readonly [string, ...string[]]>(words: T, anyCase = false) {
  const expected = `must be one of ${words.join(', ')}`
  return z
    .preprocess(
      (value) => (anyCase && typeof value === 'string' ? value.toLowerCase() : value),
      z.enum(words, { error: ({ input }) => (input === undefined ? 'is missing' : expected) }),
    )
    .meta({ type: 'string', enum: [...words] })
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export function isUuid(value: string): boolean {
  return uuid.test(value)
}

/** An id in the address that cannot be one of ours is an id that is not there. */
export function knownId(value: string, thing: Thing): string {
  if (!isUuid(value)) throw missing(thing)
  return value.toLowerCase()
}

/** Deep or endless structures cost time in every place that walks them. */
export function checkShape(value: unknown, depth = 1): void {
  if (typeof value !== 'object' || value === null) return
  if (depth > MAX_DEPTH)
    throw new Fault('malformed', { sentence: `The body is nested deeper than ${MAX_DEPTH} levels` })
  if (Array.isArray(value) && value.length > MAX_ITEMS)
    throw new Fault('malformed', { sentence: `The body holds a list of more than ${MAX_ITEMS} items` })
  for (const item of Object.values(value)) checkShape(item, depth + 1)
}

/** In code points, as the database counts. */
export function lengthOf(value: string): number {
  let length = 0
  for (const _ of value) length++
  return length
}
