/** The official SDK against the sandbox: what it sends is taken, and every error that it knows comes back to it as Expo words it. */
import type { Expo, ExpoPushMessage, ExpoPushTicket } from 'expo-server-sdk'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { startSandbox } from '../../src/sandbox/server.ts'

let url: string
let close: () => Promise<void>
let expo: Expo

beforeAll(async () => {
  const sandbox = await startSandbox({ port: 0, host: '127.0.0.1', receiptDelayMs: 0, ratePerSecond: 0 })
  url = sandbox.url
  close = () => sandbox.close()
  process.env.EXPO_BASE_URL = url
  const sdk = await import('expo-server-sdk')
  expo = new sdk.Expo({ retryMinTimeout: 20 })
})
afterAll(() => close())
beforeEach(() => call('DELETE', 'faults'))

async function call(method: string, path: string, body?: unknown): Promise<{ accepted?: number }> {
  const headers: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' }
  const response = await fetch(`${url}/sandbox/api/${path}`, { method, headers, body: JSON.stringify(body) })
  return (await response.json()) as { accepted?: number }
}

const faults = (patch: unknown) => call('PATCH', 'faults', patch)
const next = (kind: string, times = 1) => faults({ next: [{ kind, times }] })
const token = (name: string | number) => `ExponentPushToken[${name}]`
const hello: ExpoPushMessage = { to: token('a'), title: 'Hello', body: 'x', sound: 'default', priority: 'high' }

async function errorOf(promise: Promise<unknown>): Promise<Error & { details?: unknown }> {
  return promise.then(
    () => expect.fail('it was accepted'),
    (error: Error) => error,
  )
}

function idOf(ticket: ExpoPushTicket | undefined): string {
  if (ticket?.status === 'ok') return ticket.id
  throw new Error(`not accepted: ${ticket?.message}`)
}

describe('what is sent', () => {
  test('250 messages in three chunks: a ticket for each, a receipt for each ticket', async () => {
    const messages = Array.from({ length: 250 }, (_, index) => ({ ...hello, to: token(index), body: 'x'.repeat(20) }))
    const chunks = expo.chunkPushNotifications(messages)
    expect(chunks.map((chunk) => chunk.length)).toEqual([100, 100, 50])
    const tickets = (await Promise.all(chunks.map((chunk) => expo.sendPushNotificationsAsync(chunk)))).flat()
    const ids = tickets.map(idOf)
    expect(new Set(ids).size).toBe(250)
    const receipts = await Promise.all(
      expo.chunkPushNotificationReceiptIds(ids).map((chunk) => expo.getPushNotificationReceiptsAsync(chunk)),
    )
    expect(Object.values(Object.assign({}, ...receipts))).toEqual(Array(250).fill({ status: 'ok' }))
  })

  test('n recipients in one message are n tickets, in order', async () => {
    await faults({ ticketErrors: { [token('gone')]: 'DeviceNotRegistered' } })
    const tickets = await expo.sendPushNotificationsAsync([
      { ...hello, to: [token(1), token('gone'), token(2)] },
      { ...hello, to: token(3) },
    ])
    expect(tickets.map((ticket) => ticket.status)).toEqual(['ok', 'error', 'ok', 'ok'])
  })

  test('a receipt that is not there yet is absent', async () => {
    await faults({ receiptDelayMs: 60_000 })
    const [ticket] = await expo.sendPushNotificationsAsync([hello])
    expect(await expo.getPushNotificationReceiptsAsync([idOf(ticket), 'never-given'])).toEqual({})
  })
})

describe('errors of one recipient', () => {
  const codes = ['DeviceNotRegistered', 'MessageRateExceeded', 'InvalidCredentials', 'MismatchSenderId']
  codes.push('DeveloperError', 'ExpoError', 'ProviderError', 'SomethingNew')

  test.each(codes)('%s, in a ticket and in a receipt', async (code) => {
    await faults({ ticketErrors: { [token('a')]: code }, receiptErrors: { [token('b')]: code } })
    const [refused, accepted] = await expo.sendPushNotificationsAsync([{ ...hello, to: [token('a'), token('b')] }])
    expect(refused).toMatchObject({ status: 'error', details: { error: code, expoPushToken: token('a') } })
    const id = idOf(accepted)
    const receipts = await expo.getPushNotificationReceiptsAsync([id])
    expect(receipts[id]).toMatchObject({ status: 'error', details: { error: code } })
  })

  test('a malformed token and a message that is too big spoil only their own tickets', async () => {
    const [malformed, tooBig, fine] = await expo.sendPushNotificationsAsync([
      { ...hello, to: 'adsf' },
      { ...hello, data: { text: 'x'.repeat(4200) } },
      hello,
    ])
    expect(malformed).toMatchObject({ message: '"adsf" is not a registered push notification recipient' })
    expect(tooBig).toMatchObject({ details: { error: 'MessageTooBig' } })
    expect(fine).toMatchObject({ status: 'ok' })
  })
})

describe('errors of the whole request', () => {
  test('too many requests: the SDK tries twice more', async () => {
    await next('429', 2)
    expect(await expo.sendPushNotificationsAsync([hello])).toMatchObject([{ status: 'ok' }])
    await next('429', 3)
    expect(await errorOf(expo.sendPushNotificationsAsync([hello]))).toMatchObject({
      statusCode: 429,
      code: 'TOO_MANY_REQUESTS',
    })
  })

  test('more recipients than the rate allows', async () => {
    await faults({ ratePerSecond: 50 })
    const many = [{ ...hello, to: Array.from({ length: 51 }, (_, index) => token(index)) }]
    expect(await errorOf(expo.sendPushNotificationsAsync(many))).toMatchObject({
      code: 'TOO_MANY_REQUESTS',
      message: 'Exceeded 50 notifications per second, please try again.',
    })
  })

  test('the rate is counted for each project', async () => {
    // All of it is one second of the sandbox, however long it takes.
    vi.spyOn(performance, 'now').mockReturnValue(performance.now())
    await faults({ ratePerSecond: 50, projects: { [token('a')]: '@owner/one', [token('b')]: '@owner/two' } })
    const to = (name: string) =>
      expo.sendPushNotificationsAsync([{ ...hello, to: Array<string>(40).fill(token(name)) }])
    expect(await Promise.all(['a', 'b'].map(to))).toMatchObject([{ length: 40 }, { length: 40 }])
    expect((await post([{ ...hello, to: Array(40).fill(token('a')) }])).status).toBe(429)
  })

  test('a missing or wrong access token', async () => {
    await faults({ accessToken: 'secret' })
    expect(await errorOf(expo.sendPushNotificationsAsync([hello]))).toMatchObject({
      statusCode: 401,
      code: 'UNAUTHORIZED',
    })
    const { Expo } = await import('expo-server-sdk')
    expect(await new Expo({ accessToken: 'secret' }).sendPushNotificationsAsync([hello])).toHaveLength(1)
    await call('DELETE', 'faults')
    await next('403')
    expect(await errorOf(expo.sendPushNotificationsAsync([hello]))).toMatchObject({ statusCode: 403 })
  })

  test('too many recipients, too many receipts, one malformed message', async () => {
    const many = [{ ...hello, to: Array.from({ length: 101 }, (_, index) => token(index)) }]
    expect(await errorOf(expo.sendPushNotificationsAsync(many))).toMatchObject({ code: 'PUSH_TOO_MANY_NOTIFICATIONS' })
    const ids = Array.from({ length: 1001 }, (_, index) => `id-${index}`)
    expect(await errorOf(expo.getPushNotificationReceiptsAsync(ids))).toMatchObject({ code: 'PUSH_TOO_MANY_RECEIPTS' })
    const odd = [hello, { ...hello, title: 3 as unknown as string }]
    expect(await errorOf(expo.sendPushNotificationsAsync(odd))).toMatchObject({
      statusCode: 400,
      code: 'VALIDATION_ERROR',
      message: '"[1].title" must be a string.',
    })
  })

  test('tokens of two projects, with the details that tell them apart', async () => {
    await faults({ projects: { [token('a')]: '@owner/new', [token('b')]: '@owner/old' } })
    const error = await errorOf(
      expo.sendPushNotificationsAsync([{ ...hello, to: [token('a'), token('b'), token('c')] }]),
    )
    expect(error).toMatchObject({ statusCode: 400, code: 'PUSH_TOO_MANY_EXPERIENCE_IDS' })
    expect(error.details).toEqual({ '@owner/new': [token('a')], '@owner/old': [token('b')] })
  })

  test.each([
    ['500', { statusCode: 500, code: 'INTERNAL_SERVER_ERROR' }],
    ['502', { statusCode: 502, errorText: expect.stringContaining('<html>') }],
    ['503', { statusCode: 503, errorText: 'no healthy upstream' }],
    ['504-after-accept', { statusCode: 504, errorText: expect.stringContaining('<html>') }],
    ['garbage', { statusCode: 200, errorText: expect.stringContaining('not JSON') }],
    ['short-list', { message: 'Expected Expo to respond with 1 ticket but got 0' }],
    ['half-body', { message: expect.any(String) }],
    ['reset-before', { message: 'fetch failed' }],
    ['reset-after-accept', { message: 'fetch failed' }],
  ])('the fault %s', async (kind, expected) => {
    const before = (await call('GET', 'stats')).accepted ?? 0
    await next(kind)
    expect(await errorOf(expo.sendPushNotificationsAsync([hello]))).toMatchObject(expected)
    const isAccepted = /after-accept|garbage|short|half/.test(kind)
    expect((await call('GET', 'stats')).accepted).toBe(before + (isAccepted ? 1 : 0))
    expect(await expo.sendPushNotificationsAsync([hello])).toHaveLength(1)
  })

  test('no answer at all', async () => {
    await next('hang')
    const waiting = post([hello], { signal: AbortSignal.timeout(200) })
    expect(await errorOf(waiting)).toMatchObject({ name: 'TimeoutError' })
  })
})

describe('over the wire', () => {
  test('bodies that are no JSON, or too large once unpacked, are refused in the error shape of Expo', async () => {
    const { gzipSync } = await import('node:zlib')
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
    const bomb = await post(undefined, { headers, body: gzipSync(Buffer.alloc(50_000_000)) })
    expect(await codeOf(bomb)).toEqual([400, 'VALIDATION_ERROR'])
    expect(await codeOf(await post(undefined, { body: '{"to":' }))).toEqual([400, 'VALIDATION_ERROR'])
    const form = await post(undefined, { headers: { 'content-type': 'text/plain' }, body: 'x' })
    expect(await codeOf(form)).toEqual([400, 'VALIDATION_ERROR'])
    expect(await codeOf(await fetch(`${url}/--/api/v2/push/send`))).toEqual([405, 'METHOD_NOT_ALLOWED'])
    expect(await codeOf(await fetch(`${url}/--/api/v2/push/other`))).toEqual([404, 'NOT_FOUND'])
  })

  test.each(['gzip', 'deflate'])('answers are packed with %s when that is accepted', async (encoding) => {
    const headers = { 'content-type': 'application/json', 'accept-encoding': encoding }
    const answer = await post([{ ...hello, to: Array.from({ length: 20 }, (_, index) => token(index)) }], { headers })
    expect(answer.headers.get('content-encoding')).toBe(encoding)
    expect(await answer.json()).toMatchObject({ data: Array(20).fill({ status: 'ok' }) })
  })
})

async function post(body: unknown, init: RequestInit = {}): Promise<Response> {
  const headers = { 'content-type': 'application/json' }
  return fetch(`${url}/--/api/v2/push/send`, { method: 'POST', headers, body: JSON.stringify(body), ...init })
}

async function codeOf(response: Response): Promise<[status: number, code: string | undefined]> {
  const { errors } = (await response.json()) as { errors: { code: string }[] }
  return [response.status, errors[0]?.code]
}
