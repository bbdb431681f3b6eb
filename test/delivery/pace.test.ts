/** Expo's limit is used, not broken, and a direct request does not queue behind a broadcast. */
import { describe, expect, test } from 'vitest'
import { sql } from 'kysely'
import { directRate, lowerPace, takeSlot } from '../../src/store/pace.ts'
import { crowd } from '../kit/books.ts'
import { KINDS, allOk, openDatabase, openRunning } from '../kit/inside.ts'

const ask = { project: '', lane: 'broadcast', recipients: 100, perSecond: 600 } as const
const direct = { ...ask, lane: 'direct', recipients: 1 } as const

describe.each(KINDS)('on %s', (kind) => {
  test('a slot is taken only when it is free, and none is reserved ahead', async () => {
    const { db } = await openDatabase(kind)
    expect(await takeSlot(db, ask)).toMatchObject({ taken: false, waitMs: 0 })
    // The first ones may come close together, as after a pause; then they keep their distance.
    let refused = await takeSlot(db, ask)
    for (let taken = 1; refused.taken; taken++) {
      expect(taken).toBeLessThanOrEqual(6)
      refused = await takeSlot(db, ask)
    }
    expect(refused.waitMs).toBeGreaterThan(0)
    expect(refused.waitMs).toBeLessThanOrEqual(1_031)
    expect((await takeSlot(db, ask)).waitMs).toBeLessThanOrEqual(refused.waitMs)
  })

  test('no window ever holds more than the limit, whoever asks', async () => {
    const { db } = await openDatabase(kind)
    await takeSlot(db, ask)
    const slots = [await takeSlot(db, { ...direct, recipients: 90 })]
    for (let i = 0; i < 8; i++) slots.push(await takeSlot(db, { ...direct, recipients: 90 }))
    expect(slots.filter((slot) => slot.taken)).toHaveLength(6)
    expect(slots.at(-1)?.waitMs).toBeGreaterThan(500)
    expect((await takeSlot(db, { ...direct, recipients: 60 })).taken).toBe(true)
    expect((await takeSlot(db, direct)).taken).toBe(false)
  })

  test('a direct request that waits makes broadcasts yield, until it has its slot', async () => {
    const { db } = await openDatabase(kind)
    await takeSlot(db, direct)
    expect((await takeSlot(db, { ...direct, recipients: 600 })).taken).toBe(true)
    expect((await takeSlot(db, direct)).taken).toBe(false)
    await sql`update belfry.pace set recent_at = '{}', recent_n = '{}'`.execute(db.kysely)
    expect((await takeSlot(db, ask)).taken).toBe(false)
    expect((await takeSlot(db, direct)).taken).toBe(true)
    expect((await takeSlot(db, ask)).taken).toBe(true)
  })

  test('a request larger than the limit goes alone, and then not again', async () => {
    const { db } = await openDatabase(kind)
    const large = { ...ask, perSecond: 10 }
    await takeSlot(db, large)
    expect((await takeSlot(db, large)).taken).toBe(true)
    expect((await takeSlot(db, large)).taken).toBe(false)
  })

  test('direct ones that share the second are measured, and forgotten', async () => {
    const { db } = await openDatabase(kind)
    await takeSlot(db, direct)
    expect(await directRate(db, '')).toBe(0)
    for (let i = 0; i < 6; i++) await takeSlot(db, direct)
    expect(await directRate(db, '')).toBeGreaterThan(1.5)
    await sql`update belfry.pace set direct_at = direct_at - interval '1 minute'`.execute(db.kysely)
    expect(await directRate(db, '')).toBeLessThan(0.001)
  })

  test('a 429 holds everybody, then lowers the pace', async () => {
    const { db } = await openDatabase(kind)
    await takeSlot(db, ask)
    await lowerPace(db, '', 600, 300)
    const held = await takeSlot(db, ask)
    expect(held.taken).toBe(false)
    expect(held.waitMs).toBeGreaterThan(100)
    const row = await db.kysely.selectFrom('pace').select('lowered_to').executeTakeFirstOrThrow()
    expect(row.lowered_to).toBe(510)
  })

  test('a broadcast under a limit stays under it, and a direct message passes it', async () => {
    const times: { at: number; count: number; tag: unknown }[] = []
    const world = await openRunning(
      kind,
      {
        send(messages) {
          const count = messages.reduce((sum, message) => sum + message.to.length, 0)
          times.push({ at: performance.now(), count, tag: messages[0]?.title })
          return allOk(messages)
        },
      },
      { rateLimit: 1_000 },
    )
    await crowd(world, 3_000)
    await world.device('ben')
    await world.notify({ audience: { everyone: true } })
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    const posted = performance.now()
    await world.notify({ audience: { users: ['ben'] }, content: { title: 'direct' } })
    await world.drain()
    const direct = times.find((one) => one.tag === 'direct')
    expect(direct!.at - posted).toBeLessThan(1_000)
    expect(times.at(-1)?.tag).not.toBe('direct')
    for (const { at } of times) {
      const window = times.filter((one) => one.at >= at && one.at < at + 1_000)
      expect(window.reduce((sum, one) => sum + one.count, 0)).toBeLessThanOrEqual(1_001)
    }
  })
})
