/**
 * Reads the body of a send request as strictly as Expo documents it. One malformed message refuses the whole request;
 * unknown fields are let through; what a token looks like is judged later, ticket by ticket.
 */
import { invalid, type RequestRefused } from './errors.ts'

/** Expo's limit on recipients of one request; it counts `to` entries, not message objects. */
export const MAX_RECIPIENTS = 100

export interface PushMessage {
  to: string[]
  [field: string]: unknown
}

export type SendBody =
  | { ok: true; messages: PushMessage[]; recipients: number; single: boolean }
  | { ok: false; refused: RequestRefused }

export function readSendBody(body: unknown): SendBody {
  const many = Array.isArray(body)
  const list: unknown[] = many ? body : [body]
  if (many && list.length === 0) return { ok: false, refused: invalid('"value" must contain at least 1 items.') }

  const messages: PushMessage[] = []
  for (const [index, message] of list.entries()) {
    const fault = faultIn(message, many ? `[${index}]` : '')
    if (fault) return { ok: false, refused: invalid(fault) }
    const fields = message as Record<string, unknown>
    messages.push({ ...fields, to: Array.isArray(fields.to) ? (fields.to as string[]) : [fields.to as string] })
  }

  const recipients = messages.reduce((sum, message) => sum + message.to.length, 0)
  if (recipients > MAX_RECIPIENTS) return { ok: false, refused: tooManyRecipients(recipients) }
  return { ok: true, messages, recipients, single: !many && recipients === 1 }
}

function tooManyRecipients(received: number): RequestRefused {
  const message = `You can send a maximum of ${MAX_RECIPIENTS} notifications per request (received ${received}); divide your requests.`
  return { status: 400, code: 'PUSH_TOO_MANY_NOTIFICATIONS', message }
}

/** The first fault of one message in Expo's words, e.g. `"[2].title" must be a string.` */
function faultIn(message: unknown, at: string): string | undefined {
  if (!isObject(message)) return `"${at || 'value'}" must be of type object.`
  const name = (field: string) => `"${at ? `${at}.` : ''}${field}"`
  if (message.to === undefined) return `${name('to')} is required.`
  for (const [field, [accepts, demand]] of Object.entries(rules)) {
    const value = message[field]
    if (value !== undefined && !accepts(value)) return `${name(field)} ${demand}.`
  }
  return undefined
}

type Rule = [accepts: (value: unknown) => boolean, demand: string]

const isString = (value: unknown) => typeof value === 'string'
const isNumber = (value: unknown) => typeof value === 'number' && Number.isFinite(value)
const isBoolean = (value: unknown) => typeof value === 'boolean'

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const text: Rule = [isString, 'must be a string']
const number: Rule = [isNumber, 'must be a number']
const flag: Rule = [isBoolean, 'must be a boolean']
const oneOf = (...words: string[]): Rule => [
  (value) => isString(value) && words.includes(value as string),
  `must be one of [${words.join(', ')}]`,
]

/** Every field of Expo's message table. */
const rules: Record<string, Rule> = {
  to: [isRecipients, 'must be a string or a non-empty array of strings'],
  data: [isObject, 'must be of type object'],
  title: text,
  subtitle: text,
  body: text,
  ttl: [(value) => isNumber(value) && (value as number) >= 0, 'must be a number of seconds, 0 or more'],
  expiration: number,
  priority: oneOf('default', 'normal', 'high'),
  sound: [isSound, 'must be a string, null or an object'],
  badge: [(value) => Number.isInteger(value) && (value as number) >= 0, 'must be an integer, 0 or more'],
  interruptionLevel: oneOf('active', 'critical', 'passive', 'time-sensitive'),
  channelId: text,
  icon: text,
  richContent: [isRichContent, 'must be an object with an "image" string'],
  categoryId: text,
  mutableContent: flag,
  contentAvailable: flag,
  _contentAvailable: flag,
  collapseId: [
    (value) => isString(value) && Buffer.byteLength(value as string) <= 64,
    'must be a string of 64 bytes or less',
  ],
  tag: text,
  threadId: text,
  targetContentId: text,
  relevanceScore: [
    (value) => isNumber(value) && (value as number) >= 0 && (value as number) <= 1,
    'must be between 0 and 1',
  ],
  filterCriteria: text,
  _displayInForeground: flag,
}

function isRecipients(value: unknown): boolean {
  return isString(value) || (Array.isArray(value) && value.length > 0 && value.every(isString))
}

function isSound(value: unknown): boolean {
  if (value === null || isString(value)) return true
  if (!isObject(value)) return false
  const { critical, name, volume } = value
  const named = name === undefined || name === null || isString(name)
  return named && (critical === undefined || isBoolean(critical)) && (volume === undefined || isNumber(volume))
}

function isRichContent(value: unknown): boolean {
  return isObject(value) && (value.image === undefined || isString(value.image))
}
