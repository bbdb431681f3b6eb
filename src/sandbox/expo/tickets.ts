/**
 * Tickets and receipts. A ticket id is a UUIDv7 whose last eight digits are a checksum over the rest: the id says by
 * itself that the sandbox gave it and when. So a good receipt needs no memory, whatever the audience, and survives a
 * restart; only receipts that a fault setting turned bad are kept.
 */
import { hash, randomUUIDv7 } from 'node:crypto'
import { invalid, type RequestRefused } from './errors.ts'

/** Expo's limit on ids of one receipts request. */
const MAX_RECEIPT_IDS = 1000
/** Expo clears receipts after a day. */
const RECEIPT_LIFE_MS = 24 * 3_600_000
/** Bad receipts kept, oldest dropped first: 5 % of a broadcast to a million, about 10 MB. */
const MAX_BAD_RECEIPTS = 50_000
/** What reaches Apple or Google in one notification. */
const MAX_PAYLOAD_BYTES = 4096

export type Ticket = { status: 'ok'; id: string } | Failure
export type Receipt = { status: 'ok' } | Failure
interface Failure {
  status: 'error'
  message: string
  details?: { error: string; expoPushToken?: string }
}

export function newTicketId(): string {
  const head = randomUUIDv7().slice(0, 28)
  return head + checksum(head)
}

/** When the sandbox gave this id, in milliseconds; undefined for an id that it never gave. */
export function issuedAt(id: string): number | undefined {
  const head = id.slice(0, 28)
  if (id.length !== 36 || id.slice(28) !== checksum(head)) return undefined
  return Number.parseInt(head.slice(0, 8) + head.slice(9, 13), 16)
}

function checksum(head: string): string {
  return hash('sha256', `belfry sandbox ticket ${head}`, 'hex').slice(0, 8)
}

const tokenShape = /^(?:ExponentPushToken|ExpoPushToken)\[[^[\]\s,]+\]$/
const uuidShape = /^[a-z\d]{8}-[a-z\d]{4}-[a-z\d]{4}-[a-z\d]{4}-[a-z\d]{12}$/i

export function isPushToken(token: string): boolean {
  return token.length <= 255 && (tokenShape.test(token) || uuidShape.test(token))
}

/** A notification counts with what the phone receives: title, subtitle, body and data. */
export function isTooBig(message: Record<string, unknown>): boolean {
  const { title, subtitle, body, data } = message
  return Buffer.byteLength(JSON.stringify({ title, subtitle, body, data })) > MAX_PAYLOAD_BYTES
}

const words: Record<string, string> = {
  MessageTooBig: `The total notification payload exceeds ${MAX_PAYLOAD_BYTES} bytes.`,
  MessageRateExceeded: 'Messages are being sent too frequently to this device.',
  InvalidCredentials: 'Unable to retrieve the push credentials of this app; provide a valid APNs key or FCM key.',
  MismatchSenderId: "The FCM key does not belong to this app's sender id.",
  ProviderError: 'The push service unexpectedly dropped the connection. Retry sending the notification later.',
  ExpoError: 'An unexpected error occurred at Expo.',
  DeveloperError: 'The notification could not be sent because of an error in the request.',
}

/** A ticket or receipt with Expo's code; the code `none` gives an error without details, as Expo sometimes does. */
export function failure(code: string, token: string): Failure {
  const unregistered = `"${token}" is not a registered push notification recipient`
  const message = code === 'DeviceNotRegistered' ? unregistered : (words[code] ?? `The notification failed: ${code}.`)
  if (code === 'none') return { status: 'error', message: 'An unknown error occurred.' }
  return { status: 'error', message, details: { error: code, expoPushToken: token } }
}

/** The receipts that a fault setting turned bad, by ticket id. The code `missing` leaves the receipt out for good. */
export class BadReceipts {
  readonly #byTicket = new Map<string, { code: string; token: string }>()

  remember(ticketId: string, code: string, token: string): void {
    if (this.#byTicket.size >= MAX_BAD_RECEIPTS) {
      const oldest = this.#byTicket.keys().next().value
      if (oldest !== undefined) this.#byTicket.delete(oldest)
    }
    this.#byTicket.set(ticketId, { code, token })
  }

  /** Undefined while the receipt is not there: too early, too old, unknown, or set to be missing. */
  receiptFor(ticketId: string, now: number, delayMs: number): Receipt | undefined {
    const issued = issuedAt(ticketId)
    if (issued === undefined || now < issued + delayMs || now > issued + RECEIPT_LIFE_MS) return undefined
    const bad = this.#byTicket.get(ticketId)
    if (bad?.code === 'missing') return undefined
    return bad ? failure(bad.code, bad.token) : { status: 'ok' }
  }
}

export type ReceiptsBody = { ok: true; ids: string[] } | { ok: false; refused: RequestRefused }

export function readReceiptsBody(body: unknown): ReceiptsBody {
  const ids = typeof body === 'object' && body !== null ? (body as { ids?: unknown }).ids : undefined
  if (ids === undefined) return { ok: false, refused: invalid('"ids" is required.') }
  if (!Array.isArray(ids)) return { ok: false, refused: invalid('"ids" must be an array.') }
  const odd = ids.findIndex((id) => typeof id !== 'string')
  if (odd >= 0) return { ok: false, refused: invalid(`"ids[${odd}]" must be a string.`) }
  if (ids.length <= MAX_RECEIPT_IDS) return { ok: true, ids: ids as string[] }
  const message = `You can request a maximum of ${MAX_RECEIPT_IDS} receipts per request (received ${ids.length}); divide your requests.`
  return { ok: false, refused: { status: 400, code: 'PUSH_TOO_MANY_RECEIPTS', message } }
}
