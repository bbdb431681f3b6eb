/** What Expo's documentation says a send request must look like, as strictly as it can be read. */

export interface Message {
  to: string | string[]
  data?: Record<string, unknown>
  [field: string]: unknown
}

export interface Fault {
  code: 'VALIDATION_ERROR' | 'PUSH_TOO_MANY_NOTIFICATIONS'
  message: string
}

export const MAX_RECIPIENTS = 100
export const MAX_RECEIPTS = 1000
/** Apple's and Google's limit for what travels to the phone. */
const MAX_PAYLOAD_BYTES = 4096

type Check = (value: unknown) => boolean
const text: Check = (value) => typeof value === 'string'
const flag: Check = (value) => typeof value === 'boolean'
const count: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0
const object: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)
const oneOf =
  (...words: string[]): Check =>
  (value) =>
    words.includes(value as string)

const fields: Record<string, [Check, string]> = {
  title: [text, 'a string'],
  subtitle: [text, 'a string'],
  body: [text, 'a string'],
  data: [object, 'an object'],
  ttl: [count, 'a number of seconds'],
  expiration: [count, 'a Unix time'],
  priority: [oneOf('default', 'normal', 'high'), 'one of default, normal, high'],
  sound: [(value) => value === null || text(value) || object(value), 'a string or null'],
  badge: [count, 'a whole number'],
  interruptionLevel: [oneOf('active', 'critical', 'passive', 'time-sensitive'), 'an interruption level'],
  channelId: [text, 'a string'],
  icon: [text, 'a string'],
  richContent: [object, 'an object'],
  categoryId: [text, 'a string'],
  mutableContent: [flag, 'a boolean'],
  contentAvailable: [flag, 'a boolean'],
  _contentAvailable: [flag, 'a boolean'],
  collapseId: [(value) => text(value) && Buffer.byteLength(value as string) <= 64, 'a string of at most 64 bytes'],
  tag: [text, 'a string'],
  threadId: [text, 'a string'],
  targetContentId: [text, 'a string'],
  relevanceScore: [(value) => typeof value === 'number' && value >= 0 && value <= 1, 'a number from 0 to 1'],
  filterCriteria: [text, 'a string'],
}

/** The messages of a well-formed request, or what is wrong with it. */
export function validateSendBody(body: unknown): { messages: Message[]; recipients: number } | { fault: Fault } {
  const messages = (Array.isArray(body) ? body : [body]) as Message[]
  if (messages.length === 0) return invalid('"value" must contain at least 1 items.')
  let recipients = 0
  for (let at = 0; at < messages.length; at++) {
    const message = messages[at]!
    if (!object(message)) return invalid(`"[${at}]" must be an object.`)
    const { to } = message
    if (typeof to === 'string') recipients++
    else if (Array.isArray(to) && to.length > 0 && to.every(text)) recipients += to.length
    else return invalid(`"[${at}].to" must be a string or an array of strings.`)
    for (const field in message) {
      if (field === 'to') continue
      const rule = fields[field]
      if (rule === undefined) return invalid(`"[${at}].${field}" is not allowed.`)
      if (!rule[0](message[field])) return invalid(`"[${at}].${field}" must be ${rule[1]}.`)
    }
  }
  if (recipients > MAX_RECIPIENTS) {
    const message = `You can send a maximum of ${MAX_RECIPIENTS} notifications per request (received ${recipients}); divide your requests.`
    return { fault: { code: 'PUSH_TOO_MANY_NOTIFICATIONS', message } }
  }
  return { messages, recipients }
}

function invalid(message: string): { fault: Fault } {
  return { fault: { code: 'VALIDATION_ERROR', message } }
}

const TOKEN =
  /^(?:(?:ExponentPushToken|ExpoPushToken)\[[^[\]\s,]+\]|[a-z\d]{8}-[a-z\d]{4}-[a-z\d]{4}-[a-z\d]{4}-[a-z\d]{12})$/i

export function isPushToken(token: string): boolean {
  return TOKEN.test(token)
}

/** Whether what travels to the phone is over the providers' limit; `to` does not travel. */
export function isTooBig(message: Message): boolean {
  const { to: _, ...payload } = message
  return Buffer.byteLength(JSON.stringify(payload)) > MAX_PAYLOAD_BYTES
}
