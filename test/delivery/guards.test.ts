/** Promise 5: no good token is ever lost, whatever Expo says of many of them at once. */
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import type { ExpoMessage } from '../../src/domain/messages/expo-message.ts'
import type { SendAnswer } from '../../src/ports.ts'
import { notificationState } from '../../src/store/notifications/notifications.ts'
import { listAlarms, raiseCredentialsAlarms, restoreSuspended } from '../../src/store/tokens/alarms.ts'
import { confirmFlood, countAnswers, releaseFlood, tripFlood } from '../../src/store/tokens/flood.ts'
import { registerPushToken } from '../../src/store/tokens/push-tokens.ts'
import { crowd, expectBalanced } from '../kit/books.ts'
import { until } from '../kit/guard.ts'
import { openDatabase, openRunning, type Running } from '../kit/inside.ts'

type CodeOf = (token: string) => string | undefined
const number = (token: string): number => Number(/-(\d+)\]/.exec(token)?.[1])
const answering =
  (codeOf: CodeOf) =>
  (messages: ExpoMessage[]): SendAnswer => ({
    kind: 'tickets',
    tickets: messages
      .flatMap((message) => message.to)
      .map((token) => {
        const code = codeOf(token)
        return code ? { status: 'error', code, message: 'no', pushToken: token } : { status: 'ok', id: `t ${token}` }
      }),
  })
const active = async (world: Running): Promise<number> => {
  const { count } = await world.db.kysely
    .selectFrom('push_tokens')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('active', '=', true)
    .executeTakeFirstOrThrow()
  return count
}
const tenMinutesLater = async (world: Running): Promise<unknown> =>
  world.db.kysely
    .updateTable('alarms')
    .set({ probed_at: new Date(0) })
    .execute()
const broadcast = async (world: Running): Promise<string> => {
  const id = await world.notify({ audience: { everyone: true } })
  await world.drain()
  return id
}

describe.each(['PGlite', 'PostgreSQL 18'] as const)('on %s', (kind) => {
  test('a few dead tokens in many are retired, however many they are', async () => {
    const world = await openRunning(kind, {
      send: answering((t) => (number(t) % 20 === 0 ? 'DeviceNotRegistered' : undefined)),
    })
    await crowd(world, 6_000)
    await broadcast(world)
    expect(await active(world)).toBe(5_700)
    expect(await listAlarms(world.db)).toEqual([])
  })

  test('a flood is undone and held: no token is lost, one alarm; released, they stay', async () => {
    const world = await openRunning(kind, {
      send: answering((t) => (number(t) % 2 === 0 ? 'DeviceNotRegistered' : undefined)),
    })
    await crowd(world, 3_000)
    const id = await broadcast(world)
    await until('the flood to be undone', async () => (await active(world)) === 3_000)
    const alarms = await listAlarms(world.db, { open: true })
    expect(alarms).toMatchObject([{ kind: 'flood' }])
    expect(world.facts.filter((one) => one.name === 'flood.held')).toHaveLength(1)
    expect(await expectBalanced(world, id)).toMatchObject({ refused: 1_500, accepted: 1_500 })
    expect(await releaseFlood(world.db, alarms[0]!.id, 'test')).toBe(true)
    expect(await active(world)).toBe(3_000)
    expect(await listAlarms(world.db, { open: true })).toEqual([])
  })

  test('good answers of hours ago, written down only now, do not hide a flood', async () => {
    const { db } = await openDatabase(kind)
    const answers = [
      { minutesAgo: 300, answered: 10_000 },
      { minutesAgo: 0, answered: 1_000 },
    ]
    await countAnswers(db, '', answers, 900)
    await tripFlood(db, '', 900)
    expect(await listAlarms(db, { open: true })).toMatchObject([{ detail: { answered: 1_000, gone: 900 } }])
  })

  test('a person confirms a flood: the held ones are retired, but not who registered again', async () => {
    const world = await openRunning(kind, {
      send: answering((t) => (number(t) <= 400 ? 'DeviceNotRegistered' : undefined)),
    })
    await crowd(world, 1_000)
    await broadcast(world)
    await until('the flood to be undone', async () => (await active(world)) === 1_000)
    const back = {
      userId: 'crowd-7',
      token: 'ExponentPushToken[crowd-7]',
      deviceType: 'ios',
      movesPerDay: null,
    } as const
    await registerPushToken(world.db, back)
    const [alarm] = await listAlarms(world.db, { open: true })
    expect(await confirmFlood(world.db, alarm!.id, 'test')).toBe(399)
    expect(await active(world)).toBe(601)
    expect(await confirmFlood(world.db, alarm!.id, 'test')).toBeUndefined()
  })

  test('refused credentials suspend one platform; it is skipped, and the other rings on', async () => {
    const isIos = (token: string) => number(token) % 2 === 0
    let mended = false
    const world = await openRunning(
      kind,
      { send: answering((t) => (isIos(t) && !mended ? 'InvalidCredentials' : undefined)) },
      { receiptDelayMs: 300 },
    )
    await crowd(world, 300)
    await broadcast(world)
    expect(await active(world)).toBe(150)
    expect(await listAlarms(world.db, { open: true })).toMatchObject([{ kind: 'credentials', device_type: 'ios' }])
    world.sent.length = 0
    const second = await broadcast(world)
    expect(await expectBalanced(world, second)).toMatchObject({ targeted: 300, accepted: 150, skipped: 150 })
    // After a while, one of them is a probe; it is refused again.
    await tenMinutesLater(world)
    const third = await broadcast(world)
    expect(await expectBalanced(world, third)).toMatchObject({ accepted: 150, skipped: 149, refused: 1 })
    const fourth = await broadcast(world)
    expect(await expectBalanced(world, fourth)).toMatchObject({ skipped: 150, refused: 0 })

    mended = true
    await tenMinutesLater(world)
    await broadcast(world)
    await until('the alarm to end', async () => (await listAlarms(world.db, { open: true })).length === 0)
    expect(await active(world)).toBe(300)
    world.sent.length = 0
    await broadcast(world)
    expect(world.sent).toHaveLength(300)
  })

  test('a probe that waits for its turn is sent all the same; who is suspended meanwhile is not', async () => {
    const suspend = (token: string) =>
      world.db.kysely
        .updateTable('push_tokens')
        .set({ active: false, inactive_reason: 'InvalidCredentials', inactive_at: new Date() })
        .where('token', '=', token)
        .execute()
    const answer = answering(() => undefined)
    // Until the first request is answered, its only connection keeps the others.
    const world: Running = await openRunning(
      kind,
      { send: async (messages, call) => (call === 1 && (await suspend(meanwhile)), answer(messages)) },
      { rateLimit: 100, maxConcurrentRequests: 1 },
    )
    await crowd(world, 200)
    const [suspended, meanwhile] = [await world.device('ben'), await world.device('ana')]
    await raiseCredentialsAlarms(world.db, [{ project: '', deviceType: 'ios' }])
    await suspend(suspended)
    await tenMinutesLater(world)
    const id = await world.notify({ audience: { everyone: true } })
    await world.drain()
    expect(await expectBalanced(world, id)).toMatchObject({ accepted: 201, skipped: 1 })
    expect(world.sent.map((one) => one.token)).toContain(suspended)
  })

  test('a direct notification to nobody but suspended devices says so, and an operator brings them back', async () => {
    const world = await openRunning(kind, { send: answering(() => 'InvalidCredentials') })
    await world.device('ben')
    await broadcast(world)
    const id = await world.notify({ audience: { users: ['ben'] } })
    await world.drain()
    expect(await notificationState(world.db, id)).toMatchObject({ state: 'finished', skipReason: 'credentials' })
    expect(await expectBalanced(world, id)).toMatchObject({ targeted: 1, skipped: 1 })
    expect(await restoreSuspended(world.db, { project: '', deviceType: 'ios' }, 'operator')).toBe(1)
    expect(await active(world)).toBe(1)
  })

  test('more of them than one statement takes are confirmed, or come back, all of them', async () => {
    const world = await openRunning(kind)
    const { db } = world
    await crowd(world, 5_001)
    await sql`insert into ${db.t.alarms} (kind) values ('flood')`.execute(db.kysely)
    await sql`insert into ${db.t.held_tokens} (alarm_id, push_token_id)
      select a.id, p.id from ${db.t.alarms} a cross join ${db.t.push_tokens} p`.execute(db.kysely)
    const [flood] = await listAlarms(db)
    expect(await confirmFlood(db, flood!.id, 'operator')).toBe(5_001)
    expect(await confirmFlood(db, flood!.id, 'operator')).toBeUndefined()
    expect(await active(world)).toBe(0)
    await sql`update ${db.t.push_tokens} set inactive_reason = 'InvalidCredentials', device_type = 'ios'`.execute(
      db.kysely,
    )
    expect(await restoreSuspended(db, { project: '', deviceType: 'ios' }, 'operator')).toBe(5_001)
    expect(await active(world)).toBe(5_001)
  })
})
