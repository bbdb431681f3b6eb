/** A person's hand on a broadcast: it bites within a chunk, the numbers are exact, and nothing is lost by a pause. */
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { RESULT } from '../../src/domain/answers/result.ts'
import { closePlanned } from '../../src/store/ledger/deliveries.ts'
import { insertPlan } from '../../src/store/ledger/plan.ts'
import { cancelNotification, pauseNotification, resumeNotification } from '../../src/store/notifications/control.ts'
import { once } from '../../src/store/notifications/idempotency.ts'
import { finishNotifications, notificationState } from '../../src/store/notifications/notifications.ts'
import { prune } from '../../src/store/upkeep.ts'
import { exactTotals } from '../../src/store/views/totals.ts'
import { crowd, expectBalanced } from '../kit/books.ts'
import { until } from '../kit/guard.ts'
import { allOk, openDatabase, openRunning, type Running, systemClock } from '../kit/inside.ts'

const slow = { send: async (messages: Parameters<typeof allOk>[0]) => (await systemClock.wait(20), allOk(messages)) }

/** What was in flight has settled, and what was in the queue has seen the state. */
async function calm(world: Running): Promise<number> {
  let last = -1
  await until(
    'calm',
    async () => {
      const now = world.requests.length
      const same = now === last
      last = now
      return same
    },
    { everyMs: 400 },
  )
  return world.sent.length
}

describe.each(['PGlite', 'PostgreSQL 18'] as const)('on %s', (kind) => {
  test('paused, it stops within a chunk a worker; resumed, everybody hears once', async () => {
    const world = await openRunning(kind, slow)
    const tokens = await crowd(world, 20_000)
    const id = await world.notify({ audience: { everyone: true } })
    await until('the first requests', () => world.sent.length > 1_000)
    expect(await pauseNotification(world.db, id)).toBe('paused')
    const atPause = world.sent.length
    const sent = await calm(world)
    expect(sent - atPause).toBeLessThanOrEqual(3_000)
    expect(sent).toBeLessThan(20_000)
    await expectBalanced(world, id)
    expect(await resumeNotification(world.db, id)).toBe('sending')
    await world.drain()
    expect(world.sent.map((one) => one.token).toSorted()).toEqual(tokens.toSorted())
    expect(await expectBalanced(world, id)).toMatchObject({ accepted: 20_000 })
  })

  test('cancelled, nothing more leaves, and every number is exact', async () => {
    const world = await openRunning(kind, slow)
    await crowd(world, 20_000)
    const id = await world.notify({ audience: { everyone: true } })
    await until('the first requests', () => world.sent.length > 1_000)
    expect(await cancelNotification(world.db, id)).toBe('cancelled')
    const sent = await calm(world)
    const totals = await expectBalanced(world, id)
    expect(totals).toMatchObject({ accepted: sent, pending: 0 })
    expect(totals.cancelled).toBeGreaterThan(0)
    expect(sent).toBeLessThan(20_000)
    expect(await resumeNotification(world.db, id)).toBe('cancelled')
    const { rows } = await sql<{ n: number }>`select count(*)::int as n from belfry.parked`.execute(world.db.kysely)
    expect(rows[0]?.n).toBe(0)
  })

  test('a pause longer than the time to live expires nothing', async () => {
    const world = await openRunning(kind)
    await world.device('ben')
    await world.stop()
    const audiences = [{ everyone: true } as const, { users: ['ben'] }]
    const ids = await Promise.all(audiences.map((audience) => world.notify({ audience, ttlSeconds: 3_600 })))
    for (const id of ids) await pauseNotification(world.db, id)
    await sql`update belfry.notifications set paused_at = paused_at - interval '7 days', expires_at = expires_at - interval '7 days'`.execute(
      world.db.kysely,
    )
    const later = await openRunning(kind, {}, { database: world })
    const parked = () => world.db.kysely.selectFrom('parked').select('id').execute()
    await until('both to be parked', async () => (await parked()).length === 2)
    for (const id of ids) await resumeNotification(world.db, id)
    await later.drain()
    expect(later.sent).toHaveLength(2)
    for (const id of ids) expect(await notificationState(world.db, id)).toMatchObject({ state: 'finished' })
  })

  test('a broadcast that is paused before its first page waits, and goes on when it is resumed', async () => {
    const before = await openRunning(kind)
    await before.device('ben')
    await before.stop()
    const id = await before.notify({ audience: { everyone: true } })
    await pauseNotification(before.db, id)
    const world = await openRunning(kind, {}, { database: before })
    const parked = () => world.db.kysely.selectFrom('parked').select('id').executeTakeFirst()
    await until('it to be parked', parked)
    await resumeNotification(world.db, id)
    await world.drain()
    expect(world.sent).toHaveLength(1)
  })

  test('what has ended stays as it ended, and nobody is said to have touched it', async () => {
    const world = await openRunning(kind)
    await world.device('ben')
    const id = await world.notify({ audience: { users: ['ben'] } })
    await world.drain()
    await until('its end', async () => (await notificationState(world.db, id))?.state === 'finished')
    for (const touch of [pauseNotification, resumeNotification, cancelNotification])
      expect(await touch(world.db, id)).toBe('finished')
    expect(await world.db.kysely.selectFrom('audit').select('id').execute()).toEqual([])
    expect(await finishNotifications(world.db, [{ id, skipReason: 'disabled' }])).toEqual([])
    expect(await notificationState(world.db, id)).toMatchObject({ skipReason: null })
  })

  test('a hand on one notification moves no other', async () => {
    const world = await openRunning(kind)
    await world.stop()
    const [id, other] = [
      await world.notify({ audience: { users: ['ben'] } }),
      await world.notify({ audience: { users: ['ben'] } }),
    ]
    const stateOf = async () => (await notificationState(world.db, other))?.state
    await pauseNotification(world.db, id)
    expect(await stateOf()).toBe('queued')
    await pauseNotification(world.db, other)
    const parked = {
      notification_id: other,
      queue: 'send-direct',
      data: JSON.stringify({ notificationId: other, tries: 0 }),
    }
    await world.db.kysely.insertInto('parked').values(parked).execute()
    await insertPlan(world.db, [{ notificationId: other, chunk: 0, part: 0, project: null, tokenIds: [1] }])
    await resumeNotification(world.db, id)
    expect(await stateOf()).toBe('paused')
    await cancelNotification(world.db, id)
    expect(await stateOf()).toBe('paused')
    expect(await world.db.kysely.selectFrom('parked').select('id').execute()).toHaveLength(1)
    expect(await expectBalanced(world, other)).toMatchObject({ pending: 1, cancelled: 0 })
  })

  test('a notification that nobody knows cannot be paused', async () => {
    const { db } = await openDatabase(kind)
    expect(await pauseNotification(db, crypto.randomUUID())).toBeUndefined()
    expect(await resumeNotification(db, crypto.randomUUID())).toBeUndefined()
    expect(await cancelNotification(db, crypto.randomUUID())).toBeUndefined()
  })

  test('totals that were asked for right at a cancel are those of the ledger, whatever was just being planned', async () => {
    const world = await openRunning(kind)
    const { db } = world
    await world.device('ben')
    const id = await world.notify({ audience: { everyone: true }, sendAt: new Date(Date.now() + 60_000) })
    await cancelNotification(db, id)
    const asked = { id, state: 'cancelled' } as const
    expect(await exactTotals(db, asked)).toMatchObject({ targeted: 0 })
    const [token] = await db.kysely.selectFrom('push_tokens').select('id').execute()
    await insertPlan(db, [{ notificationId: id, chunk: 1, part: 0, project: null, tokenIds: [token!.id] }])
    await closePlanned(db, id, 1, 'cancelled', RESULT.cancelled)
    expect(await exactTotals(db, asked)).toMatchObject({ targeted: 1, cancelled: 1 })
  })

  test('of twenty requests with one key one works, and all get its answer; another body is refused', async () => {
    const { db } = await openDatabase(kind)
    let worked = 0
    const attempt = { caller: 'user ana', key: 'k1', bodyHash: 'a' }
    const work = async () => ({ number: ++worked })
    const answers = await Promise.all(Array.from({ length: 20 }, () => once(db, attempt, work)))
    expect(worked).toBe(1)
    expect(answers).toEqual(Array.from({ length: 20 }, () => ({ number: 1 })))
    expect(await once(db, { ...attempt, bodyHash: 'b' }, work)).toBe('other_body')
    expect(await once(db, { ...attempt, caller: 'user ben' }, work)).toEqual({ number: 2 })
    const failed = once(db, { ...attempt, key: 'k2' }, () => Promise.reject(new Error('no')))
    await expect(failed).rejects.toThrow('no')
    expect(await once(db, { ...attempt, key: 'k2' }, work)).toEqual({ number: 3 })
  })

  test('what is old goes, what is young or unfinished stays', async () => {
    const world = await openRunning(kind)
    await world.device('ben')
    const [old, young] = [
      await world.notify({ audience: { users: ['ben'] } }),
      await world.notify({ audience: { users: ['ben'] } }),
    ]
    await world.drain()
    await sql`update belfry.notifications set finished_at = finished_at - interval '31 days' where id = ${old}`.execute(
      world.db.kysely,
    )
    await once(world.db, { caller: 'a', key: 'old', bodyHash: '' }, async () => ({}))
    await sql`update belfry.idempotency set created_at = created_at - interval '49 hours'`.execute(world.db.kysely)
    expect(await prune(world.db)).toMatchObject({ ledger: 2, idempotency: 1, push_tokens: 0 })
    expect(await notificationState(world.db, old)).toBeUndefined()
    expect(await notificationState(world.db, young)).toMatchObject({ state: 'finished' })
  })
})
