/** Requests that no honest app sends, the same row for the same seed, as the bytes that go over the wire. */
import { connect } from 'node:net'
import { type Dice, dice } from '../kit/fake-expo/plan.ts'

export interface RawAnswer {
  status: number
  body: unknown
}

const paths = [
  'POST /api/users/push-token',
  'DELETE /api/users/push-token',
  'GET /api/users/push-token',
  'POST /api/posts/',
  'GET /api/posts/',
  'POST /message/send-message',
  'POST /test-push-notification/fuzz',
]

const odd: unknown[] = [
  null,
  true,
  -0,
  1e308,
  '',
  'NUL\0here',
  'lone \ud800 surrogate',
  '\udfff',
  '\u202e\u0000\uffff',
  [],
  {},
  [['ExponentPushToken[a]']],
  { toString: 1 },
  { $gt: '' },
  { __proto__: null, constructor: { prototype: { admin: true } } },
  'x'.repeat(3_000),
  "'; drop table users; --",
  '%00%ff',
  'ExponentPushToken[ok]',
  'ExponentPushToken[a\0b]',
  '18446744073709551616',
]

const fields = ['push_token', 'device_type', 'installation_id', 'project_id', 'locale', 'time_zone', 'app_version']
const more = ['title', 'text_content', 'content_type', 'receiver_id', 'message_type', 'content', '__proto__', 'a.b[0]']
const fitting: Record<string, unknown> = {
  push_token: 'ExponentPushToken[fuzz]',
  device_type: 'ios',
  title: 'A title',
  text_content: 'Words',
  content_type: 'note',
  receiver_id: 'fuzz',
  message_type: 'text',
  content: 'Words',
}
/** What the other routes take, fitting and near it. */
const elsewhere: Record<string, unknown> = {
  to: { users: ['fuzz'] },
  except: ['fuzz'],
  body: 'Words',
  data: { a: 1 },
  options: { sound: 'default', priority: 'high', badge: 1, richContent: { image: 'https://example.com/a.png' } },
  ttl: 60,
  send_at: '2999-01-01T00:00:00Z',
  onUnknown: 'drop',
  dry_run: true,
  kinds: ['post'],
  rows: [{ user_id: 'fuzz', token: 'ExponentPushToken[fuzz]' }],
  key: 'not the operator key of anybody',
  name: 'A name',
  scopes: ['send'],
  expires_at: '2999-01-01T00:00:00Z',
  grace_seconds: 5,
  type: 'INSERT',
  table: 'messages',
  schema: 'public',
  record: { id: 1, sender_id: 'fuzz', receiver_id: 'fuzz', message_type: 'text', content: 'x' },
  old_record: null,
  ids: ['x'],
  state: 'open',
  platform: 'ios',
  id: 'fuzz',
  limit: 5,
}
const types = [
  'application/json',
  'application/json; charset=utf-16',
  'application/x-www-form-urlencoded',
  'text/plain',
]
const others = ['multipart/form-data', 'multipart/form-data; boundary=x', '', 'application/json;;;', 'x'.repeat(300)]
const oddNames = [
  'pause',
  'release',
  'main.js',
  "';--",
  '__proto__',
  'constructor',
  encodeURIComponent('né 😀'),
  'x'.repeat(200),
]
const parts = [
  'fuzz',
  'x',
  '0',
  '-1',
  '01999999-9999-7999-8999-999999999999',
  '%00',
  '%ff',
  '%ed%a0%80',
  '%2e%2e%2f',
  ...oddNames,
]
const urls = [
  '/%',
  '/%E0%A4%A',
  '/%00',
  '/../../etc/passwd',
  '//evil.example/',
  '*',
  'http://evil.example/',
  '/a\\b',
  '/?%',
]

/** `:name` in a route stands for anything. */
export interface Everything {
  routes?: string[]
  /** Lines of the header that say who calls, instead of a bearer token. */
  logins?: string[]
}

/** @param bearers valid and invalid ones, to choose from. */
export function fuzz(
  seed: number,
  bearers: string[],
  { routes = paths, logins = [] }: Everything = {},
): { next(): Buffer } {
  const roll = dice(seed)
  return { next: () => oneRequest(roll, bearers, routes, logins) }
}

function oneRequest(roll: Dice, bearers: string[], routes: string[], logins: string[]): Buffer {
  const [method, route] = choose(roll, routes).split(' ') as [string, string]
  const path = route.replaceAll(/:\w+/g, () => choose(roll, parts))
  const body = chance(roll, 0.85) ? oddBody(roll) : Buffer.alloc(0)
  const lines = [
    `${chance(roll, 0.05) ? choose(roll, ['PATCH', 'OPTIONS', 'HEAD', 'get', 'TRACE', 'PROPFIND']) : method} ${oddPath(roll, path)} HTTP/1.1`,
    'Host: localhost',
    logins.length > 0 && chance(roll, 0.5)
      ? choose(roll, logins)
      : `Authorization: ${chance(roll, 0.9) ? 'Bearer ' : choose(roll, ['', 'Basic ', 'bearer\t'])}${choose(roll, bearers)}`,
    `Content-Type: ${chance(roll, 0.75) ? 'application/json' : choose(roll, [...types, ...others])}`,
    `Content-Length: ${oddLength(roll, body.length)}`,
    'Connection: close',
    ...oddHeaders(roll),
  ]
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), body])
}

function oddPath(roll: Dice, path: string): string {
  if (chance(roll, 0.06)) return choose(roll, urls)
  if (chance(roll, 0.06)) return `${path}/${'x'.repeat(choose(roll, [1, 600, 9_000]))}`
  if (chance(roll, 0.15))
    return `${path}?${choose(roll, ['limit=-1', 'limit=1e9', 'before=%00', 'before=x', 'a[]=1&a[]=2', '%ff=%fe'])}`
  return path
}

/** Mostly JSON in which some fields fit and others do not; sometimes no JSON at all. */
function oddBody(roll: Dice): Buffer {
  const known = { ...fitting, ...elsewhere }
  if (chance(roll, 0.12)) return choose(roll, noBodies)()
  const object = Object.fromEntries(
    names(roll).flatMap((field) => {
      if (chance(roll, 0.35)) return []
      return [[field, field in known && chance(roll, 0.75) ? known[field] : choose(roll, odd)] as const]
    }),
  )
  const text = JSON.stringify(object)
  if (chance(roll, 0.1)) return Buffer.from(text.slice(0, Math.floor(roll.roll() * text.length)))
  if (chance(roll, 0.1))
    return Buffer.from(
      new URLSearchParams(Object.entries(object).map(([key, value]) => [key, asText(value)])).toString(),
    )
  return Buffer.from(text)
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const noBodies: (() => Buffer)[] = [
  () => Buffer.from('['.repeat(60_000) + ']'.repeat(60_000)),
  () => Buffer.from('{"a":'.repeat(30_000) + '1' + '}'.repeat(30_000)),
  () => Buffer.from([0xff, 0xfe, 0x00, 0xd8, 0x7b]),
  () => Buffer.from('{"title":"\xff\xfe"}', 'latin1'),
  () => Buffer.from(`{"title":${'9'.repeat(5_000)}}`),
  () => Buffer.alloc(300_000, 'x'),
  () => Buffer.from(JSON.stringify({ ...fitting, content: 'x'.repeat(70_000), text_content: 'x'.repeat(70_000) })),
  () => Buffer.from(`[${'null,'.repeat(2_000)}null]`),
  () => Buffer.from('{"__proto__":{"admin":true},"title":"a"}'),
]

function oddLength(roll: Dice, length: number): string {
  return chance(roll, 0.95)
    ? String(length)
    : choose(roll, ['-1', 'NaN', String(Math.max(0, length - 3)), '99999999999999999999'])
}

function oddHeaders(roll: Dice): string[] {
  const lines: string[] = []
  if (chance(roll, 0.05)) lines.push(`X-Big: ${'x'.repeat(choose(roll, [8_000, 20_000]))}`)
  if (chance(roll, 0.05)) lines.push('Transfer-Encoding: chunked')
  if (chance(roll, 0.05)) lines.push('Content-Encoding: gzip')
  if (chance(roll, 0.05))
    lines.push(choose(roll, ['No colon here', 'Bad\0Name: x', 'Ünïcode: ÿ', ': empty', 'Expect: wonders']))
  if (chance(roll, 0.05)) lines.push(...Array.from({ length: 300 }, (_, n) => `X-${n}: ${n}`))
  if (chance(roll, 0.1))
    lines.push(choose(roll, ['Idempotency-Key: \x01', `Idempotency-Key: ${'k'.repeat(5_000)}`, 'Belfry-User: \xff']))
  return lines
}

function choose<T>(roll: Dice, from: readonly T[]): T {
  return from[Math.floor(roll.roll() * from.length)]!
}

function chance(roll: Dice, likely: number): boolean {
  return roll.roll() < likely
}

/** A few of the fields that there are: with all of them no strict route would ever take one. */
function names(roll: Dice): string[] {
  if (chance(roll, 0.5)) return [...fields, ...more]
  const all = [...Object.keys(elsewhere), 'title', '__proto__']
  return all.filter(() => chance(roll, 0.2))
}

/** Whether more was announced than is sent, so that the server may wait for the rest. */
export function isUnfinished(bytes: Buffer): boolean {
  return /^(Content-Length: 9{10}|Transfer-Encoding|POST.*chunked)/m.test(bytes.toString('latin1'))
}

/** An error has its shape. A connection may be left open only for a body that was announced and did not come. */
export function isFine(answer: Awaited<ReturnType<typeof exchange>>, bytes: Buffer): boolean {
  if (answer === 'waits') return isUnfinished(bytes)
  if (answer === 'closed') return bytes.subarray(0, 8).toString() === 'CONNECT '
  if (answer.status < 400) return true
  if (answer.status >= 500) return false
  if (bytes.subarray(0, 5).toString() === 'HEAD ') return true
  const { success, error, code, errors } = answer.body as Record<string, unknown>
  // The sandbox's Expo words its errors as Expo does.
  if (bytes.includes(' /sandbox/--/') && Array.isArray(errors)) return true
  return success === false && typeof error === 'string' && typeof code === 'string'
}

/** Of an answer that is longer, such as a file, nobody reads the rest; no error is. */
const ENOUGH = 32_000

/**
 * Sends bytes and reads until the server closes, or begins a stream; who waits for more than was sent is left after a
 * while.
 */
export function exchange(port: number, bytes: Buffer, timeoutMs = 1_500): Promise<RawAnswer | 'closed' | 'waits'> {
  return new Promise((done) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    const timer = setTimeout(() => (done('waits'), socket.destroy()), timeoutMs)
    socket.setEncoding('utf8')
    socket.on('data', (data: string) => {
      answer += data
      if (answer.length > ENOUGH || answer.includes('text/event-stream')) socket.destroy()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(timer)
      const [head = '', body = ''] = answer.split('\r\n\r\n')
      const status = Number(head.split(' ')[1])
      // What a wrong length leaves over is another request, with an answer of its own.
      const own = body.split(/HTTP\/1\.1 \d{3} /, 1)[0] ?? ''
      done(Number.isNaN(status) ? 'closed' : { status, body: parse(own) })
    })
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
