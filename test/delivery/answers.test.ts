/** What Expo answers, and what becomes of it: nothing is lost, little is doubled, no good token is taken out. */
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import type { ExpoMessage } from '../../src/domain/messages/expo-message.ts'
import type { Clock, SendAnswer } from '../../src/ports.ts'
import { devicesOf } from '../../src/store/ledger/ledger.ts'
import { notificationState } from '../../src/store/notifications/notifications.ts'
import { importTokens } from '../../src/store/tokens/import.ts'
import { listPushTokens, registerPushToken } from '../../src/store/tokens/push-tokens.ts'
import { crowd, expectBalanced } from '../kit/books.ts'
import { until } from '../kit/guard.ts'
import { allOk, openRunning, type Running, systemClock } from '../kit/inside.ts'

const ambiguous: SendAnswer = { kind: 'ambiguous', reason: 'HTTP 504', status: 504 }
const tokensIn = (messages: ExpoMessage[]): string[] => messages.flatMap((message) => message.to)
const refusing =
  (codes: Record<string, string>) =>
  (messages: ExpoMessage[]): SendAnswer => ({
    kind: 'tickets',
    tickets: tokensIn(messages).map((token) =>
      codes[token]
        ? { status: 'error', code: codes[token], message: 'no', pushToken: token }
        : { status: 'ok', id: token },
    ),
  })

/** What waits for long is read again: while this stands still, nothing does. */
const standingStill: Clock = { ...systemClock, monotonic: () => 0 }

/** Ben's phone is read with those before it in the chunk, and gets a new token while the first request keeps it waiting. */
async function rotateBeforeItsRequest(world: Running, from: string, to: string): Promise<void> {
  // More than the one request that is under way and the one whose intent is saved already.
  await crowd(world, 500)
  await world.device('ben', { token: from })
  const phone = { userId: 'ben', installationId: 'phone', deviceType: 'ios', movesPerDay: null } as const
  await registerPushToken(world.db, { ...phone, token: from })
  await world.notify({ audience: { everyone: true } })
  await until('the first request', () => world.requests.length === 1)
  await until('the plan of all chunks', async () => {
    const planned = await world.db.kysely.selectFrom('deliveries').select('token_ids').execute()
    return planned.flatMap((one) => one.token_ids).length === 501
  })
  await registerPushToken(world.db, { ...phone, token: to })
}

describe.each(['PGlite', 'PostgreSQL 18'] as const)('on %s', (kind) => {
  test('what was certainly not sent is sent again, until it is', async () => {
    const world = await openRunning(kind, {
      send: (messages, call) => (call <= 2 ? { kind: 'later', reason: 'ECONNREFUSED' } : allOk(messages)),
    })
    await world.device('ben')
    const id = await world.notify({ audience: { users: ['ben'] } })
    await world.drain()
    expect(world.requests).toHaveLength(3)
    expect(await expectBalanced(world, id)).toMatchObject({ accepted: 1 })
  })

  test('after three ambiguous answers it is unknown, and every repeat replaces what it repeats', async () => {
    const world = await openRunning(kind, { send: () => ambiguous })
    await world.device('ben', { deviceType: 'android' })
    await world.device('ben', { deviceType: 'ios' })
    const id = await world.notify({ audience: { everyone: true } })
    await world.drain()
    expect(world.requests).toHaveLength(3)
    for (const { message } of world.sent) expect(message.tag ?? message.collapseId).toBe(id)
    expect(await expectBalanced(world, id)).toMatchObject({ targeted: 2, unknown: 2, accepted: 0 })
  })

  test('an outage of seconds does not use up its three attempts', async () => {
    let outage: number | undefined
    const world = await openRunning(kind, {
      send: (messages) => (performance.now() < (outage ??= performance.now() + 5_000) ? ambiguous : allOk(messages)),
    })
    await world.device('ben')
    const id = await world.notify({ audience: { users: ['ben'] } })
    await world.drain()
    expect(await expectBalanced(world, id)).toMatchObject({ accepted: 1, unknown: 0 })
  })

  test('what would not live to see its last attempt has it sooner', async () => {
    const world = await openRunning(kind, { send: () => ambiguous })
    await world.device('ben')
    const id = await world.notify({ audience: { users: ['ben'] }, ttlSeconds: 9 })
    await world.drain()
    expect(await expectBalanced(world, id)).toMatchObject({ unknown: 1 })
    expect(world.requests).toHaveLength(3)
  })

  test('the last attempt does not wait where others are answered, nor for a test push', async () => {
    const lost = new Set<string>()
    const world = await openRunning(kind, {
      send: (messages) => (tokensIn(messages).some((token) => lost.has(token)) ? ambiguous : allOk(messages)),
    })
    lost.add(await world.device('ben'))
    const pushed = await world.notify({ kind: 'test', audience: { users: ['ben'] } })
    await world.drain()
    expect(await expectBalanced(world, pushed)).toMatchObject({ unknown: 1 })
    await world.device('ana')
    for (let n = 0; n < 6; n++) {
      await world.notify({ audience: { users: ['ana'] } })
      await world.drain()
    }
    const id = await world.notify({ audience: { users: ['ben'] } })
    await world.drain()
    expect(await expectBalanced(world, id)).toMatchObject({ unknown: 1 })
    const waited = await world.db.rows(sql`
      select id from belfry_queue.job where name = 'send-direct' and start_after > created_on + interval '5 seconds'`)
    expect(waited).toEqual([])
  })

  test('a notification that asks for it is dropped at the first ambiguous answer', async () => {
    const world = await openRunning(kind, { send: () => ambiguous })
    await world.device('ben')
    const id = await world.notify({ audience: { users: ['ben'] }, onUnknown: 'drop' })
    await world.drain()
    expect(world.requests).toHaveLength(1)
    expect(await expectBalanced(world, id)).toMatchObject({ unknown: 1 })
  })

  test('mixed projects are divided as Expo says, each device hears once, and the projects are remembered', async () => {
    const projectOf = (token: string) => (Number(/\d+/.exec(token)?.[0]) % 3 === 0 ? '@a/two' : '@a/one')
    const world = await openRunning(kind, {
      send: (messages) => {
        const details = Object.groupBy(tokensIn(messages), projectOf)
        if (Object.keys(details).length < 2) return allOk(messages)
        return { kind: 'refused', status: 400, code: 'PUSH_TOO_MANY_EXPERIENCE_IDS', message: 'mixed', details }
      },
    })
    await crowd(world, 250)
    const id = await world.notify({ audience: { everyone: true } })
    await world.drain()
    expect(world.requests).toHaveLength(3 + 6)
    expect(await expectBalanced(world, id)).toMatchObject({ accepted: 250 })
    world.requests.length = 0
    await world.notify({ audience: { everyone: true } })
    await world.drain()
    expect(world.requests).toHaveLength(1 + 2)
  })

  test('one bad recipient is found, refused alone, and keeps its token; the others hear once', async () => {
    const poison = 'ExponentPushToken[crowd-37]'
    const world = await openRunning(kind, {
      send: (messages) =>
        tokensIn(messages).includes(poison)
          ? { kind: 'refused', status: 400, code: 'VALIDATION_ERROR', message: 'something is wrong' }
          : allOk(messages),
    })
    await crowd(world, 100)
    const id = await world.notify({ audience: { everyone: true } })
    await world.drain()
    expect(await expectBalanced(world, id)).toMatchObject({ targeted: 100, accepted: 99, refused: 1 })
    expect(world.requests.length).toBeLessThan(20)
    expect(await listPushTokens(world.db, 'crowd-37')).toMatchObject([{ active: true }])
    expect(await devicesOf(world.db, id)).toContainEqual(
      expect.objectContaining({ push_token: poison, status: 'refused', code: 'VALIDATION_ERROR' }),
    )
  })

  test('only DeviceNotRegistered retires, only InvalidCredentials suspends, and nothing is deleted', async () => {
    const codes = {
      'ExponentPushToken[crowd-1]': 'InvalidCredentials',
      'ExponentPushToken[crowd-2]': 'DeviceNotRegistered',
      'ExponentPushToken[crowd-3]': 'MessageTooBig',
      'ExponentPushToken[crowd-4]': 'SomethingNew',
    }
    const world = await openRunning(kind, { send: refusing(codes) })
    await crowd(world, 6)
    const id = await world.notify({ audience: { everyone: true } })
    await world.drain()
    const reasons = await Promise.all(
      [1, 2, 3, 4, 5].map(async (n) => (await listPushTokens(world.db, `crowd-${n}`))[0]?.inactive_reason),
    )
    expect(reasons).toEqual(['InvalidCredentials', 'DeviceNotRegistered', null, null, null])
    expect(await expectBalanced(world, id)).toMatchObject({ accepted: 2, refused: 4 })
    world.sent.length = 0
    const second = await world.notify({ audience: { everyone: true } })
    const direct = await world.notify({ audience: { users: ['crowd-2'] } })
    await world.drain()
    expect(await expectBalanced(world, second)).toMatchObject({ targeted: 5, skipped: 1 })
    expect(await expectBalanced(world, direct)).toMatchObject({ targeted: 0 })
    expect(world.sent.map((one) => one.token)).not.toContain('ExponentPushToken[crowd-2]')
    expect(world.sent).toHaveLength(4)
  })

  test('a token that registered again after it was sent to is not retired', async () => {
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
    const token = 'ExponentPushToken[back]'
    const world = await openRunning(kind, {
      send: async (messages) => (await answered, refusing({ [token]: 'DeviceNotRegistered' })(messages)),
    })
    await world.device('ben', { token })
    const id = await world.notify({ audience: { users: ['ben'] } })
    await until('the request', () => world.requests.length === 1)
    await world.device('ben', { token })
    answer()
    await world.drain()
    expect(await listPushTokens(world.db, 'ben')).toMatchObject([{ active: true }])
    expect(await expectBalanced(world, id)).toMatchObject({ refused: 1 })
  })

  test('a token that took the place of the dead one before that was sent to is not retired', async () => {
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
    const [from, to] = ['ExponentPushToken[old]', 'ExponentPushToken[new]']
    const send = refusing({ [from]: 'DeviceNotRegistered' })
    const world = await openRunning(
      kind,
      { send: async (messages) => (await answered, send(messages)) },
      { maxConcurrentRequests: 1, watch: standingStill },
    )
    await rotateBeforeItsRequest(world, from, to)
    answer()
    await world.drain()
    expect(world.sent.map((one) => one.token)).toContain(from)
    expect(await listPushTokens(world.db, 'ben')).toMatchObject([{ token: to, active: true }])
  })

  test('an imported token is retired as any other, though its table is ahead of our clock', async () => {
    const token = 'ExponentPushToken[imported]'
    const world = await openRunning(kind, { send: refusing({ [token]: 'DeviceNotRegistered' }) })
    const row = { userId: 'ben', token, deviceType: 'ios', active: true, createdAt: null } as const
    await importTokens(world.db, [{ ...row, updatedAt: '2099-01-01T00:00:00Z' }])
    await world.notify({ audience: { users: ['ben'] } })
    await world.drain()
    expect(await listPushTokens(world.db, 'ben')).toMatchObject([{ active: false }])
  })

  test('a refused access token stops the project, costs no token, and says so', async () => {
    const world = await openRunning(kind, {
      send: () => ({ kind: 'refused', status: 403, code: 'UNAUTHORIZED', message: 'no' }),
    })
    await world.device('ben')
    const id = await world.notify({ audience: { users: ['ben'] } })
    await until('the pause', async () => (await notificationState(world.db, id))?.postponed)
    expect(world.facts.map((one) => one.name)).toContain('breaker.opened')
    expect(world.requests).toHaveLength(1)
    expect(await listPushTokens(world.db, 'ben')).toMatchObject([{ active: true }])
    expect(await expectBalanced(world, id)).toMatchObject({ targeted: 1, pending: 1 })
  })
})
