/** What may have been sent, and was not answered, is `unknown`, whatever came of its recipient or its notification meanwhile. */
import { describe, expect, test } from 'vitest'
import { planNew } from '../../src/delivery/plan/plan.ts'
import type { SendAnswer } from '../../src/ports.ts'
import { beginDeliveries } from '../../src/store/ledger/deliveries.ts'
import { findDirectWork } from '../../src/store/ledger/plan.ts'
import { cancelNotification, pauseNotification } from '../../src/store/notifications/control.ts'
import { notificationState } from '../../src/store/notifications/notifications.ts'
import { setMutes } from '../../src/store/people/subscriptions.ts'
import { unregisterPushToken } from '../../src/store/tokens/push-tokens.ts'
import { expectBalanced } from '../kit/books.ts'
import { until } from '../kit/guard.ts'
import { allOk, type Kind, type Opened, openDatabase, openRunning, type Running } from '../kit/inside.ts'

const lost: SendAnswer = { kind: 'ambiguous', reason: 'HTTP 504', status: 504 }

/** The answer to the first request is lost; others are good. */
async function losing(kind: Kind, meanwhile: (world: Running) => Promise<unknown>) {
  const world: Running = await openRunning(kind, {
    async send(messages, call) {
      if (call > 1) return allOk(messages)
      await meanwhile(world)
      return lost
    },
  })
  return world
}

/** What is told is told once it is in the ledger. */
async function toldUnknown({ facts }: Opened): Promise<number[]> {
  const told = () =>
    facts.flatMap(({ name, fact }) => (name === 'recipients.unknown' ? (fact as { count: number }).count : []))
  await until('it to be told', () => told().length > 0)
  return told()
}

/** As far as an earlier process came with it. */
async function planned(kind: Kind, { begin }: { begin: boolean }) {
  const database = await openDatabase(kind)
  const before = await openRunning(kind, {}, { database })
  const tokens = [await before.device('ben'), await before.device('ben')]
  await before.stop()
  const id = await before.notify({ audience: { users: ['ben'] }, onUnknown: 'drop' })
  const [work] = await findDirectWork(database.db, [{ notificationId: id, chunk: 0 }], 1_000)
  const [parcel] = await planNew(database.db, [{ ...work!, chunk: 0, recipients: work!.devices! }])
  if (begin) await beginDeliveries(database.db, [parcel!.delivery])
  return { database, id, tokens }
}

describe.each(['PGlite', 'PostgreSQL 18'] as const)('on %s', (kind) => {
  test('who logs out before the repeat may have been told, and is not skipped', async () => {
    let gone = ''
    const world = await losing(kind, ({ db }) => unregisterPushToken(db, { userId: 'ben', token: gone }))
    gone = await world.device('ben')
    await world.device('ben')
    const id = await world.notify({ audience: { users: ['ben'] } })
    await world.drain()
    expect(await expectBalanced(world, id)).toMatchObject({ accepted: 1, unknown: 1, skipped: 0 })
    expect(await toldUnknown(world)).toEqual([1])
  })

  test('where nobody is left for the repeat, all are unknown', async () => {
    let gone = ''
    const world = await losing(kind, ({ db }) => unregisterPushToken(db, { userId: 'ben', token: gone }))
    gone = await world.device('ben')
    const id = await world.notify({ audience: { users: ['ben'] } })
    await world.drain()
    expect(await expectBalanced(world, id)).toMatchObject({ unknown: 1, skipped: 0 })
    expect(await toldUnknown(world)).toEqual([1])
  })

  test('who mutes its kind before the repeat is not told again', async () => {
    const world = await losing(kind, ({ db }) => setMutes(db, 'ben', ['notify']))
    await world.device('ben')
    await world.device('ana')
    const id = await world.notify({ audience: { users: ['ana', 'ben'] } })
    await world.drain()
    expect(world.sent).toHaveLength(3)
    expect(await expectBalanced(world, id)).toMatchObject({ accepted: 1, unknown: 1 })
  })

  test('what is cancelled, or passes its time, before the repeat is unknown', async () => {
    const ends = {
      cancelled: (world: Running, id: string) => cancelNotification(world.db, id),
      expired: (world: Running, id: string) =>
        world.db.kysely
          .updateTable('notifications')
          .set({ expires_at: new Date(0) })
          .where('id', '=', id)
          .execute(),
    }
    for (const [state, end] of Object.entries(ends)) {
      let id = ''
      const world = await losing(kind, () => end(world, id))
      await world.device('ben')
      id = await world.notify({ audience: { everyone: true } })
      await until('its end', async () => (await notificationState(world.db, id))?.state === state)
      await world.drain()
      expect(await expectBalanced(world, id)).toMatchObject({ unknown: 1, cancelled: 0, expired: 0 })
      expect(await toldUnknown(world)).toEqual([1])
    }
  })

  test('what an earlier process had begun is settled when it is cancelled while it is parked', async () => {
    const { database, id } = await planned(kind, { begin: true })
    await pauseNotification(database.db, id)
    const world = await openRunning(kind, {}, { database })
    await until('it to be parked', () => world.db.kysely.selectFrom('parked').select('id').executeTakeFirst())
    await cancelNotification(world.db, id)
    await world.drain()
    expect(await expectBalanced(world, id)).toMatchObject({ unknown: 2, pending: 0 })
  })

  test('who was gone before its only request is skipped, though the answer to that is lost', async () => {
    const { database, id, tokens } = await planned(kind, { begin: false })
    await unregisterPushToken(database.db, { userId: 'ben', token: tokens[0]! })
    const world = await openRunning(kind, { send: () => lost }, { database })
    await world.drain()
    expect(await expectBalanced(world, id)).toMatchObject({ unknown: 1, skipped: 1 })
    expect(await toldUnknown(world)).toEqual([1])
  })
})
