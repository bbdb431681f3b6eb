/** Expo's limit is used, not broken, and a direct request does not queue behind a broadcast. */
import { describe, expect, test } from 'vitest'
import { lowerPace, takeSlot } from '../../src/store/pace.ts'
import { crowd } from '../kit/books.ts'
import { KINDS, allOk, openDatabase, openRunning } from '../kit/inside.ts'

const ask = { project: '', lane: 'broadcast', recipients: 100, perSecond: 1_000 } as const

describe.each(KINDS)('on %s', (kind) => {
  test('a slot is taken only when it is free, and none is reserved ahead', async () => {
    const { db } = await openDatabase(kind)
    expect(await takeSlot(db, ask)).toMatchObject({ taken: false, waitMs: 0 })
    expect(await takeSlot(db, ask)).toMatchObject({ taken: true })
    const refused = await takeSlot(db, ask)
    expect(refused.taken).toBe(false)
    expect(refused.waitMs).toBeGreaterThan(0)
    expect(refused.waitMs).toBeLessThanOrEqual(100)
    const again = await takeSlot(db, ask)
    expect(again.waitMs).toBeLessThanOrEqual(refused.waitMs)
  })

  test('a direct request that waits makes broadcasts yield', async () => {
    const { db } = await openDatabase(kind)
    await takeSlot(db, ask)
    await takeSlot(db, { ...ask, perSecond: 2_000 })
    expect((await takeSlot(db, { ...ask, lane: 'direct', recipients: 1 })).taken).toBe(false)
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect((await takeSlot(db, ask)).taken).toBe(false)
    expect((await takeSlot(db, { ...ask, lane: 'direct', recipients: 1 })).taken).toBe(true)
  })

  test('a 429 holds everybody, then lowers the pace', async () => {
    const { db } = await openDatabase(kind)
    await takeSlot(db, ask)
    await lowerPace(db, '', 1_000, 300)
    const held = await takeSlot(db, ask)
    expect(held.taken).toBe(false)
    expect(held.waitMs).toBeGreaterThan(100)
    const row = await db.kysely.selectFrom('pace').select('lowered_to').executeTakeFirstOrThrow()
    expect(row.lowered_to).toBe(700)
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
