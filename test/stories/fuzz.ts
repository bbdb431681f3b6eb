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
  'x'.repeat(70_000),
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
const types = [
  'application/json',
  'application/json; charset=utf-16',
  'application/x-www-form-urlencoded',
  'text/plain',
]
const others = ['multipart/form-data', 'multipart/form-data; boundary=x', '', 'application/json;;;', 'x'.repeat(300)]
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

/** @param bearers valid and invalid ones, to choose from. */
export function fuzz(seed: number, bearers: string[]): { next(): Buffer } {
  const roll = dice(seed)
  return { next: () => oneRequest(roll, bearers) }
}

function oneRequest(roll: Dice, bearers: string[]): Buffer {
  const [method, path] = choose(roll, paths).split(' ') as [string, string]
  const body = chance(roll, 0.85) ? oddBody(roll) : Buffer.alloc(0)
  const lines = [
    `${chance(roll, 0.05) ? choose(roll, ['PATCH', 'OPTIONS', 'HEAD', 'get', 'TRACE', 'PROPFIND']) : method} ${oddPath(roll, path)} HTTP/1.1`,
    'Host: localhost',
    `Authorization: ${chance(roll, 0.9) ? 'Bearer ' : choose(roll, ['', 'Basic ', 'bearer\t'])}${choose(roll, bearers)}`,
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
  if (chance(roll, 0.12)) return choose(roll, noBodies)()
  const object = Object.fromEntries(
    [...fields, ...more].flatMap((field) => {
      if (chance(roll, 0.35)) return []
      return [[field, field in fitting && chance(roll, 0.75) ? fitting[field] : choose(roll, odd)] as const]
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

/** Sends bytes and reads until the server closes; who waits for more than was sent is left after a while. */
export function exchange(port: number, bytes: Buffer, timeoutMs = 1_500): Promise<RawAnswer | 'closed' | 'waits'> {
  return new Promise((done) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    const timer = setTimeout(() => (done('waits'), socket.destroy()), timeoutMs)
    socket.setEncoding('utf8')
    socket.on('data', (data: string) => (answer += data))
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(timer)
      const [head = '', body = ''] = answer.split('\r\n\r\n')
      const status = Number(head.split(' ')[1])
      done(Number.isNaN(status) ? 'closed' : { status, body: parse(body) })
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
