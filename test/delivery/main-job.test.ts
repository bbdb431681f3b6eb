/** The main job, on both databases: everybody who should hear hears once, and the books say so. */
import { sql } from 'kysely'
import { describe, expect, test, vi } from 'vitest'
import type { ExpoMessage } from '../../src/domain/messages/expo-message.ts'
import { totalsOf } from '../../src/store/ledger/ledger.ts'
import { notificationState } from '../../src/store/notifications/notifications.ts'
import { subscribe } from '../../src/store/people/subscriptions.ts'
import { ensureUser } from '../../src/store/people/users.ts'
import { registerPushToken } from '../../src/store/tokens/push-tokens.ts'
import { crowd, expectBalanced } from '../kit/books.ts'
import { until } from '../kit/guard.ts'
import { allOk, openRunning, systemClock } from '../kit/inside.ts'

describe.each(['PGlite', 'PostgreSQL 18'] as const)('on %s', (kind) => {
  test('a broadcast reaches every device but the author’s exactly once, in full requests', async () => {
    const world = await openRunning(kind)
    const tokens = await crowd(world, 2_350)
    await world.device('author')
    const id = await world.notify({ audience: { everyone: true, except: ['author'] } })
    await world.drain()
    expect(world.sent.map((one) => one.token).toSorted()).toEqual(tokens.toSorted())
    const sizes = world.requests.map((messages) => messages.reduce((sum, message) => sum + message.to.length, 0))
    expect(sizes.filter((size) => size === 100).length).toBe(23)
    expect(await notificationState(world.db, id)).toMatchObject({ state: 'finished', skipReason: null })
    expect(await expectBalanced(world, id)).toMatchObject({ targeted: 2_350, accepted: 2_350, pending: 0 })
  })

  test('a broadcast longer than a page of chunks goes on by its baton, to the last device', async () => {
    const world = await openRunning(kind)
    await crowd(world, 70_500)
    const id = await world.notify({ audience: { everyone: true } })
    await world.drain(100_000)
    expect(new Set(world.sent.map((one) => one.token)).size).toBe(70_500)
    expect(world.sent).toHaveLength(70_500)
    expect(await expectBalanced(world, id)).toMatchObject({ accepted: 70_500 })
  }, 300_000)

  test('push tokens registered after the POST are not in its audience', async () => {
    const world = await openRunning(kind, { send: async (messages) => (await late, allOk(messages)) })
    const { promise: late, resolve: go } = Promise.withResolvers<void>()
    await world.device('early')
    const id = await world.notify({ audience: { everyone: true } })
    await world.device('late')
    go()
    await world.drain()
    expect(world.sent).toHaveLength(1)
    expect(await totalsOf(world.db, id)).toMatchObject({ targeted: 1 })
  })

  test('a topic rings its followers, and nobody whose phone is between theirs', async () => {
    const world = await openRunning(kind)
    const first = await world.device('ana')
    await world.device('ben')
    const last = await world.device('cleo')
    for (const user of ['ana', 'cleo']) await subscribe(world.db, 'news', user)
    const id = await world.notify({ audience: { topic: 'news' } })
    await world.drain()
    expect(world.sent.map((one) => one.token).toSorted()).toEqual([first, last].toSorted())
    expect(await expectBalanced(world, id)).toMatchObject({ targeted: 2, accepted: 2 })
  })

  test('a direct notification rings every device of its users, and nobody else’s', async () => {
    const world = await openRunning(kind)
    const phones = [
      await world.device('ben', { deviceType: 'ios' }),
      await world.device('ben', { deviceType: 'android' }),
    ]
    await world.device('cleo')
    const id = await world.notify({ audience: { users: ['ben', 'ben'] } })
    await world.drain()
    expect(world.sent.map((one) => one.token).toSorted()).toEqual(phones.toSorted())
    expect(world.requests).toHaveLength(1)
    expect(world.facts).toContainEqual({
      name: 'user.notified',
      fact: { userId: 'ben', notificationId: id, devices: 2 },
    })
    await expectBalanced(world, id)
  })

  test('a receiver without a device is no error: skipped, and told', async () => {
    const world = await openRunning(kind)
    const id = await world.notify({ audience: { users: ['nobody'] } })
    await world.drain()
    expect(await notificationState(world.db, id)).toMatchObject({ state: 'finished', skipReason: 'no_push_token' })
    // Once it is in the ledger.
    const told = await until('it to be told', () => world.facts.find((one) => one.name === 'user.without_token'))
    expect(told.fact).toEqual({ userId: 'nobody', notificationId: id })
  })

  test('direct notifications that wait together share requests, each with its own books', async () => {
    const world = await openRunning(kind, {}, { pushesEnabled: true })
    for (let i = 0; i < 60; i++) await world.device(`user ${i}`)
    const ids = await Promise.all(
      Array.from({ length: 60 }, (_, i) => world.notify({ audience: { users: [`user ${i}`] } })),
    )
    await world.drain()
    expect(world.sent).toHaveLength(60)
    for (const id of ids) expect(await totalsOf(world.db, id)).toMatchObject({ targeted: 1, accepted: 1 })
  })

  test('a moved token rings only for its new owner', async () => {
    const world = await openRunning(kind)
    const token = await world.device('ana')
    await world.device('ben')
    await registerPushToken(world.db, { userId: 'ben', token, deviceType: 'ios', movesPerDay: null })
    const forAna = await world.notify({ audience: { users: ['ana'] } })
    await world.drain()
    expect(world.sent).toHaveLength(0)
    expect(await notificationState(world.db, forAna)).toMatchObject({ skipReason: 'no_push_token' })
    await world.notify({ audience: { users: ['ben'] } })
    await world.drain()
    expect(world.sent.map((one) => one.token)).toContain(token)
  })

  test('who hands the phone on while a message waits for its turn does not get it', async () => {
    const expo = Promise.withResolvers<void>()
    const send = async (messages: ExpoMessage[], call: number) => {
      if (call === 1) await expo.promise
      return allOk(messages)
    }
    const world = await openRunning(kind, { send }, { maxConcurrentRequests: 1 })
    const [busy, handedOn, cleos] = [await world.device('busy'), await world.device('ana'), await world.device('cleo')]
    await world.notify({ audience: { users: ['busy'] } })
    await until('a request that is not answered', () => world.requests.length === 1)
    const waiting = await world.notify({ audience: { users: ['ana', 'cleo'] } })
    const begun = sql`select 1 from ${world.db.t.deliveries} where notification_id = ${waiting} and state = 1`
    await until('the next to be begun', async () => (await world.db.rows(begun)).length > 0)
    await ensureUser(world.db, { id: 'ben', name: null })
    await registerPushToken(world.db, { userId: 'ben', token: handedOn, deviceType: 'ios', movesPerDay: null })
    const aMomentLater = performance.now() + 2_000
    const clock = vi.spyOn(systemClock, 'monotonic').mockImplementation(() => Math.max(aMomentLater, performance.now()))
    expo.resolve()
    await world.drain()
    clock.mockRestore()
    expect(world.sent.map((one) => one.token)).toEqual([busy, cleos])
    expect(await totalsOf(world.db, waiting)).toMatchObject({ targeted: 2, accepted: 1, skipped: 1 })
  })

  test('pushes that are turned off end as skipped, and nothing is sent', async () => {
    const world = await openRunning(kind, {}, { pushesEnabled: false })
    await world.device('ben')
    const direct = await world.notify({ audience: { users: ['ben'] } })
    const broadcast = await world.notify({ audience: { everyone: true } })
    await world.drain()
    expect(world.requests).toHaveLength(0)
    for (const id of [direct, broadcast]) {
      expect(await notificationState(world.db, id)).toMatchObject({ state: 'finished', skipReason: 'disabled' })
    }
  })

  test('what has passed its time is not sent late', async () => {
    const world = await openRunning(kind)
    await world.device('ben')
    const ids = [
      await world.notify({ audience: { users: ['ben'] }, ttlSeconds: 0 }),
      await world.notify({ audience: { everyone: true }, ttlSeconds: 0 }),
    ]
    await world.drain()
    expect(world.requests).toHaveLength(0)
    for (const id of ids) expect(await notificationState(world.db, id)).toMatchObject({ state: 'expired' })
  })
})
