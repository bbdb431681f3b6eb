/** Expo's limit is used, not broken, and a direct request does not queue behind a broadcast. */
import { TestClock } from 'pg-boss'
import { describe, expect, test } from 'vitest'
import type { ExpoMessage } from '../../src/domain/messages/expo-message.ts'
import { directRate, leftLate, lowerPace, takeSlot } from '../../src/store/ledger/pace.ts'
import { notificationState } from '../../src/store/notifications/notifications.ts'
import { crowd } from '../kit/books.ts'
import { until } from '../kit/guard.ts'
import { allOk, KINDS, type Kind, openDatabase, openRunning } from '../kit/inside.ts'

const START = Date.parse('2026-01-01T09:00:00Z')
const ask = { project: '', lane: 'broadcast', recipients: 100, perSecond: 600 } as const
const direct = { ...ask, lane: 'direct', recipients: 1 } as const

/** A database whose time stands still until the test moves it. */
async function stillStanding(kind: Kind) {
  const clock = new TestClock(START)
  const { db } = await openDatabase(kind, { clock })
  // The first asker of a project makes its row.
  await takeSlot(db, ask)
  return { db, goTo: (ms: number) => clock.setTime(START + ms) }
}

describe.each(KINDS)('on %s', (kind) => {
  test('broadcasts catch up a little, then keep their distance; none is reserved ahead', async () => {
    const { db, goTo } = await stillStanding(kind)
    expect((await takeSlot(db, ask)).at).not.toBeNull()
    const refused = await takeSlot(db, ask)
    expect(refused.at).toBeNull()
    expect(refused.waitMs).toBeCloseTo(120.3, 0)
    expect(await takeSlot(db, ask)).toEqual(refused)
    await goTo(122)
    expect((await takeSlot(db, ask)).at).not.toBeNull()
    expect((await takeSlot(db, ask)).waitMs).toBeCloseTo(168.7, 0)
  })

  test('no window ever holds more than the limit, whoever asks', async () => {
    const { db, goTo } = await stillStanding(kind)
    const some = { ...direct, recipients: 90 }
    for (let i = 0; i < 6; i++) expect((await takeSlot(db, some)).at).not.toBeNull()
    expect(await takeSlot(db, some)).toEqual({ at: null, waitMs: 1_015 })
    expect((await takeSlot(db, { ...direct, recipients: 60 })).at).not.toBeNull()
    expect((await takeSlot(db, direct)).at).toBeNull()
    await goTo(1_014)
    expect((await takeSlot(db, direct)).at).toBeNull()
    await goTo(1_016)
    expect((await takeSlot(db, some)).at).not.toBeNull()
  })

  test('a request that left late counts from then on, and only it', async () => {
    const { db, goTo } = await stillStanding(kind)
    const half = { ...direct, recipients: 300 }
    const { at } = await takeSlot(db, half)
    await goTo(500)
    expect((await takeSlot(db, half)).at).not.toBeNull()
    await goTo(700)
    await leftLate(db, { project: '', recipients: 300, slotAt: at!, lateMs: 700 })
    await goTo(1_100)
    expect(await takeSlot(db, half)).toEqual({ at: null, waitMs: 415 })
    await goTo(1_516)
    expect((await takeSlot(db, half)).at).not.toBeNull()
    expect(await takeSlot(db, half)).toEqual({ at: null, waitMs: 199 })
  })

  test('a request that left later than the row remembers counts all the same', async () => {
    const { db, goTo } = await stillStanding(kind)
    const half = { ...direct, recipients: 300 }
    const { at } = await takeSlot(db, half)
    await goTo(2_000)
    expect((await takeSlot(db, half)).at).not.toBeNull()
    await leftLate(db, { project: '', recipients: 300, slotAt: at!, lateMs: 2_000 })
    expect((await takeSlot(db, half)).at).toBeNull()
  })

  test('many that come closely, and stay below the limit, never wait', async () => {
    const { db, goTo } = await stillStanding(kind)
    for (let ms = 0; ms < 2_500; ms += 9) {
      await goTo(ms)
      expect((await takeSlot(db, { ...direct, perSecond: 200 })).at).not.toBeNull()
    }
  })

  test('over a long broadcast at least 95 % of the limit is used, and no second holds more', async () => {
    const { db, goTo } = await stillStanding(kind)
    const times: number[] = []
    for (let ms = 0; times.length < 60; ) {
      const slot = await takeSlot(db, ask)
      if (slot.at !== null) times.push(ms)
      else ms = Math.ceil(ms + slot.waitMs)
      await goTo(ms)
    }
    expect((times.length * 100_000) / (times.at(-1)! - times[0]!)).toBeGreaterThan(570)
    for (const at of times) expect(times.filter((one) => one >= at && one < at + 1_000).length).toBeLessThanOrEqual(6)
  })

  test('a direct request that waits makes broadcasts yield, until it has its slot', async () => {
    const { db, goTo } = await stillStanding(kind)
    expect((await takeSlot(db, { ...direct, recipients: 600 })).at).not.toBeNull()
    await goTo(1_000)
    expect((await takeSlot(db, direct)).at).toBeNull()
    await goTo(1_016)
    expect((await takeSlot(db, ask)).at).toBeNull()
    expect((await takeSlot(db, direct)).at).not.toBeNull()
    expect((await takeSlot(db, ask)).at).not.toBeNull()
  })

  test('a request larger than the limit goes alone, and then not again', async () => {
    const { db, goTo } = await stillStanding(kind)
    const large = { ...ask, perSecond: 10 }
    expect((await takeSlot(db, large)).at).not.toBeNull()
    await goTo(5_000)
    expect((await takeSlot(db, large)).at).toBeNull()
  })

  test('direct ones that share the second are measured, and forgotten', async () => {
    const { db, goTo } = await stillStanding(kind)
    expect(await directRate(db, '')).toBe(0)
    for (let i = 0; i < 6; i++) await takeSlot(db, direct)
    expect(await directRate(db, '')).toBeCloseTo(2, 1)
    await goTo(60_000)
    expect(await directRate(db, '')).toBeLessThan(0.001)
  })

  test('a 429 holds everybody, then lowers the pace, which climbs back', async () => {
    const { db, goTo } = await stillStanding(kind)
    await lowerPace(db, '', 600, 300)
    expect(await takeSlot(db, direct)).toEqual({ at: null, waitMs: 300 })
    await goTo(301)
    expect((await takeSlot(db, { ...direct, recipients: 500 })).at).not.toBeNull()
    expect((await takeSlot(db, { ...direct, recipients: 50 })).at).toBeNull()
    await goTo(10_000)
    expect((await takeSlot(db, { ...direct, recipients: 600 })).at).not.toBeNull()
  })

  test('however many 429s come, the pace is not lowered to nothing', async () => {
    const { db, goTo } = await stillStanding(kind)
    for (let i = 0; i < 30; i++) await lowerPace(db, '', 600, 1)
    // By now it is 20, and what it has climbed: 33. Without a lowest pace it would be 37 in all.
    await goTo(1_100)
    expect((await takeSlot(db, { ...direct, recipients: 10 })).at).not.toBeNull()
    expect((await takeSlot(db, { ...direct, recipients: 40 })).at).not.toBeNull()
    expect((await takeSlot(db, { ...direct, recipients: 10 })).at).toBeNull()
  })

  test('a direct message passes a broadcast that fills the limit', async () => {
    const titles: unknown[] = []
    const world = await openRunning(
      kind,
      { send: (messages) => (titles.push(messages[0]?.title), allOk(messages)) },
      { rateLimit: 1_000 },
    )
    await crowd(world, 3_000)
    await world.device('ben')
    await world.notify({ audience: { everyone: true } })
    await until('the broadcast to be under way', () => titles.length >= 10)
    await world.notify({ audience: { users: ['ben'] }, content: { title: 'direct' } })
    await world.drain()
    const after = titles.length - 1 - titles.indexOf('direct')
    expect(titles).toContain('direct')
    expect(after).toBeGreaterThan(5)
  })

  test('a direct request is never larger than the limit, neither whole nor shared', async () => {
    const sizes: number[] = []
    const send = (messages: ExpoMessage[]) => {
      sizes.push(messages.reduce((sum, { to }) => sum + to.length, 0))
      return allOk(messages)
    }
    const world = await openRunning(kind, { send }, { rateLimit: 50, maxConcurrentRequests: 1 })
    for (let n = 0; n < 60; n++) await world.device('ben')
    for (let n = 0; n < 30; n++) await world.device(`one of a pair ${n % 2}`)
    await Promise.all(
      ['ben', 'one of a pair 0', 'one of a pair 1'].map((user) => world.notify({ audience: { users: [user] } })),
    )
    await world.drain()
    expect(sizes.reduce((sum, size) => sum + size)).toBe(90)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(50)
  })

  test('as many projects as there are connections may wait for their pace, and another one does not wait for them', async () => {
    const world = await openRunning(kind, {}, { rateLimit: 600 })
    const held = Array.from({ length: 6 }, (_, n) => `@held/${n}`)
    const other = await world.device('bob', { project: '@b/b' })
    for (const project of held) {
      await world.device(project, { project })
      await takeSlot(world.db, { ...direct, project })
    }
    const hold = () => Promise.all(held.map((project) => lowerPace(world.db, project, 600, 1_900)))
    await hold()
    for (const project of held) await world.notify({ audience: { users: [project] } })
    const waiting = () => world.db.kysely.selectFrom('deliveries').select('id').where('state', '=', 1).execute()
    await until('all of them to wait', async () => (await hold(), (await waiting()).length === 6))
    await world.notify({ audience: { users: ['bob'] } })
    await until('the other one', async () => (await hold(), world.sent.length > 0))
    await world.drain()
    expect(world.sent.map((one) => one.token)).toHaveLength(7)
    expect(world.sent[0]?.token).toBe(other)
  })

  test('a 429 holds its own project only, and what passes its time meanwhile is not sent', async () => {
    const held = { kind: 'later', reason: 'too many', status: 429, rateLimited: true, afterMs: 4_000 } as const
    const world = await openRunning(
      kind,
      { send: (messages, call) => (call === 1 ? held : allOk(messages)) },
      { rateLimit: 600 },
    )
    const token = await world.device('ann', { project: '@a/a' })
    const other = await world.device('bob', { project: '@b/b' })
    // The pace of a project is lowered in its row, which its first request makes.
    const first = await world.notify({ audience: { users: ['ann'] } })
    await until('the 429', async () => (await notificationState(world.db, first))?.postponed)
    const short = await world.notify({ audience: { users: ['ann'] }, ttlSeconds: 2 })
    await until('it to be put off', async () => (await notificationState(world.db, short))?.postponed)
    const asked = performance.now()
    await world.notify({ audience: { users: ['bob'] } })
    await until('the other project', () => world.sent.some((one) => one.token === other))
    expect(performance.now() - asked).toBeLessThan(1_500)
    await world.drain()
    expect(await notificationState(world.db, short)).toMatchObject({ state: 'expired' })
    expect(world.sent.filter((one) => one.token === token)).toHaveLength(2)
  })
})
