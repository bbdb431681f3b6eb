/**
 * Expo's answers, read leniently: an unknown field or code is never an error, a missing one never a crash. By hand,
 * because this reads every ticket there is.
 */
import type { ExpoError, Receipt, Ticket } from '../domain/answers/verdict.ts'

type Fields = Record<string, unknown>

/** Expo's longest messages quote a request's tokens. */
const MOST_TEXT = 2_000

/** Undefined: not an answer of tickets. One that also carries `errors` is none: it cannot be told what was sent. */
export function parseTickets(body: string): Ticket[] | undefined {
  const json = parseJson(body)
  if (!isObject(json) || 'errors' in json) return undefined
  // One message object with one recipient is answered with an object instead of a list.
  const data = isObject(json.data) ? [json.data] : json.data
  if (!Array.isArray(data)) return undefined
  const tickets: Ticket[] = []
  for (const item of data as unknown[]) {
    const ticket = isObject(item) ? readTicket(item) : undefined
    if (!ticket) return undefined
    tickets.push(ticket)
  }
  return tickets
}

function readTicket(item: Fields): Ticket | undefined {
  if (item.status === 'ok') return typeof item.id === 'string' ? { status: 'ok', id: storable(item.id) } : undefined
  return item.status === 'error' ? readError(item) : undefined
}

function readError(item: Fields): ExpoError {
  const details = isObject(item.details) ? item.details : {}
  return {
    status: 'error',
    code: isWrongKey(details) ? 'MismatchSenderId' : textOr(details.error, null),
    message: textOr(item.message, ''),
    ...(typeof details.expoPushToken === 'string' ? { pushToken: storable(details.expoPushToken) } : {}),
  }
}

/** Documented as a code, and seen inside another that may pass; this one waits for a person. */
function isWrongKey({ fcm }: Fields): boolean {
  return isObject(fcm) && fcm.error === 'MismatchSenderId'
}

/** Ids without a receipt are simply not in it; one that cannot be read counts as not there yet. */
export function parseReceipts(body: string): Map<string, Receipt> | undefined {
  const json = parseJson(body)
  if (!isObject(json) || !isObject(json.data)) return undefined
  const receipts = new Map<string, Receipt>()
  for (const [id, item] of Object.entries(json.data)) {
    if (!isObject(item)) continue
    if (item.status === 'ok') receipts.set(id, { status: 'ok' })
    else if (item.status === 'error') receipts.set(id, readError(item))
  }
  return receipts
}

/** Undefined: no `errors`, or tickets beside them, so that nothing is certain. */
export function parseRequestError(body: string): { code: string; message: string; details?: unknown } | undefined {
  const json = parseJson(body)
  if (!isObject(json) || 'data' in json || !Array.isArray(json.errors)) return undefined
  const error: unknown = json.errors[0]
  if (!isObject(error)) return undefined
  const code = typeof error.code === 'number' ? String(error.code) : textOr(error.code, 'UNKNOWN')
  return {
    code,
    message: textOr(error.message, ''),
    ...(error.details === undefined ? {} : { details: error.details }),
  }
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What nothing needs to be done to: ids of tickets, codes. */
const PLAIN = /^[\w-]{1,100}$/

/** As PostgreSQL can store it, and no longer than people read: one odd answer must not spoil what is saved with it. */
function storable(text: string): string {
  return PLAIN.test(text) ? text : text.slice(0, MOST_TEXT).replaceAll('\0', '\u{fffd}').toWellFormed()
}

function textOr<T>(value: unknown, otherwise: T): string | T {
  return typeof value === 'string' ? storable(value) : otherwise
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
