/** Receipts, in virtual time: asked for at the right moments for a day; a missing one never prunes and never resends. */
import { sql } from 'kysely'
import { PgBoss, TestClock } from 'pg-boss'
import { describe, expect, test, vi } from 'vitest'
import type { Receipt } from '../../src/domain/answers/verdict.ts'
import type { ExpoMessage } from '../../src/domain/messages/expo-message.ts'
import type { SendAnswer } from '../../src/ports.ts'
import { totalsOf } from '../../src/store/ledger/ledger.ts'
import { cancelNotification, pauseNotification } from '../../src/store/notifications/control.ts'
import { ensureUser } from '../../src/store/people/users.ts'
import { listPushTokens, registerPushToken } from '../../src/store/tokens/push-tokens.ts'
import { exactTotals } from '../../src/store/views/totals.ts'
import { crowd, expectBalanced } from '../kit/books.ts'
import { until } from '../kit/guard.ts'
import { allOk, openRunning, type Running } from '../kit/inside.ts'

const MINUTE = 60_000
const START = Date.parse('2026-01-01T09:00:00Z')
const BOTH = ['PGlite', 'PostgreSQL 18'] as const

/** The time since the start; then as many turns of the workers as it takes for `done`. */
async function goTo(clock: TestClock, minutes: number, done: () => boolean | Promise<boolean>): Promise<void> {
  await clock.setTime(START + minutes * MINUTE)
  await until(`what is due after ${minutes} minutes`, async () => {
    await clock.tick(1_100)
    return done()
  })
}

async function sendOne(clock: TestClock, world: Running): Promise<string> {
  const id = await world.notify({ audience: { users: ['ben'] } })
  await goTo(clock, 0, async () => (await totalsOf(world.db, id)).accepted === 1)
  await goTo(
    clock,
    0,
    async () =>
      (await world.db.kysely.selectFrom('notifications').select('state').executeTakeFirst())?.state === 'finished',
  )
  return id
}

/** A direct notification to each, of which the receipts are asked for by a job each. */
async function sendEach(world: Running, names: string[]): Promise<string[]> {
  const ids: string[] = []
  for (const name of names) {
    await world.device(name, { token: `ExponentPushToken[${name}]` })
    ids.push(await world.notify({ audience: { users: [name] } }))
    await world.drain()
  }
  return ids
}

const told = (world: Running, what: string) => world.facts.flatMap(({ name, fact }) => (name === what ? [fact] : []))

async function handedOver(world: Running, ids: string[]): Promise<number> {
  const totals = await Promise.all(ids.map((id) => totalsOf(world.db, id)))
  return totals.reduce((sum, one) => sum + one.handed_over, 0)
}

/** Whatever changes the deliveries of this notification fails. */
async function spoilRow({ db }: Running, notificationId: string): Promise<void> {
  await sql`create function belfry.spoil() returns trigger language plpgsql as
    $$ begin raise exception 'spoiled'; end $$`.execute(db.kysely)
  await sql`create trigger spoil before update on belfry.deliveries for each row
    when (old.notification_id = ${sql.lit(notificationId)}) execute function belfry.spoil()`.execute(db.kysely)
}

describe.each(BOTH)('on %s', (kind) => {
  test('a receipt of DeviceNotRegistered retires, and the ticket ids are dropped once all are in', async () => {
    const clock = new TestClock(START)
    const asked: string[] = []
    const gone: Receipt = { status: 'error', code: 'DeviceNotRegistered', message: 'gone' }
    const world = await openRunning(kind, { receipt: (id) => (asked.push(id), gone) }, { clock })
    await world.device('ben')
    const id = await sendOne(clock, world)
    await goTo(clock, 14, () => true)
    expect(asked).toHaveLength(0)
    await goTo(clock, 16, () => asked.length === 1)
    await until('the verdict', async () => (await totalsOf(world.db, id)).failed === 1)
    expect(await listPushTokens(world.db, 'ben')).toMatchObject([
      { active: false, inactive_reason: 'DeviceNotRegistered' },
    ])
    await until('it to be told', () => world.facts.some((one) => one.name === 'token.retired'))
    const [row] = await world.db.kysely.selectFrom('deliveries').selectAll().execute()
    expect(row?.ticket_ids).toBeNull()
    await expectBalanced(world, id)
    const asText = async () => JSON.stringify(await exactTotals(world.db, { id, state: 'finished' }))
    // Added up the first time, and kept from then on: the id of an event is made of this text.
    expect(await asText()).toBe(await asText())
  })

  test('a receipt that names another token than the row has now costs nobody a token', async () => {
    const clock = new TestClock(START)
    const gone = { status: 'error', code: 'DeviceNotRegistered', message: 'gone' } as const
    const world = await openRunning(kind, { receipt: () => ({ ...gone, pushToken: 'the old one' }) }, { clock })
    await world.device('ben')
    const id = await sendOne(clock, world)
    await goTo(clock, 16, async () => (await totalsOf(world.db, id)).failed === 1)
    expect(await listPushTokens(world.db, 'ben')).toMatchObject([{ active: true }])
  })

  test('a receipt that names no token does not retire one that took its place just before it was sent', async () => {
    const clock = new TestClock(START)
    const gone: Receipt = { status: 'error', code: 'DeviceNotRegistered', message: 'gone' }
    const phone = { userId: 'ben', installationId: 'phone', deviceType: 'ios', movesPerDay: null } as const
    const send = async (messages: ExpoMessage[]) => {
      await registerPushToken(world.db, { ...phone, token: 'ExponentPushToken[new]' })
      // As if that had been after its plan was read, and before the intent was saved.
      await sql`update belfry.deliveries set sent_at = belfry.clock()`.execute(world.db.kysely)
      return allOk(messages)
    }
    const world = await openRunning(kind, { send, receipt: () => gone }, { clock })
    await ensureUser(world.db, { id: 'ben', name: null })
    await registerPushToken(world.db, { ...phone, token: 'ExponentPushToken[old]' })
    const id = await sendOne(clock, world)
    expect(world.sent.map((one) => one.token)).toEqual(['ExponentPushToken[old]'])
    await goTo(clock, 16, async () => (await totalsOf(world.db, id)).failed === 1)
    expect(await listPushTokens(world.db, 'ben')).toMatchObject([{ token: 'ExponentPushToken[new]', active: true }])
  })

  test('one that is missing is looked for eight times, and then there is none', async () => {
    const clock = new TestClock(START)
    let looks = 0
    const world = await openRunning(kind, { receipt: () => void looks++ }, { clock })
    await world.device('ben')
    const id = await sendOne(clock, world)
    for (const [index, minutes] of [15, 30, 60, 120, 240, 480, 960, 1380].entries()) {
      await goTo(clock, minutes + 1, () => looks === index + 1)
    }
    await until('the last word', async () => (await totalsOf(world.db, id)).no_receipt === 1)
    expect(world.requests).toHaveLength(1)
    expect(await listPushTokens(world.db, 'ben')).toMatchObject([{ active: true }])
    await expectBalanced(world, id)
  })

  test('one dead token among many in a receipts request is retired, and the others are handed over', async () => {
    const clock = new TestClock(START)
    const gone: Receipt = { status: 'error', code: 'DeviceNotRegistered', message: 'gone' }
    const world = await openRunning(
      kind,
      { receipt: (id) => (id.includes('-77]') ? gone : { status: 'ok' }) },
      { clock },
    )
    await crowd(world, 350)
    const id = await world.notify({ audience: { everyone: true } })
    await goTo(clock, 0, async () => (await totalsOf(world.db, id)).accepted === 350)
    await goTo(clock, 16, async () => (await totalsOf(world.db, id)).handed_over === 349)
    expect(await expectBalanced(world, id)).toMatchObject({ failed: 1, awaiting_receipt: 0 })
    expect(await listPushTokens(world.db, 'crowd-77')).toMatchObject([{ active: false }])
  })

  test('jobs of direct notifications share a call, and each looks again for its own', async () => {
    const clock = new TestClock(START)
    const asked: string[] = []
    const slow = 'ticket of ExponentPushToken[slow]'
    const receipt = (id: string): Receipt | undefined => {
      asked.push(id)
      return id === slow && asked.length <= 3 ? undefined : { status: 'ok' }
    }
    const world = await openRunning(kind, { receipt }, { clock })
    await sendEach(world, ['a', 'slow', 'c'])
    const calls = () => told(world, 'receipts.settled')
    await goTo(clock, 16, () => calls().length > 0)
    expect(calls()).toMatchObject([{ handedOver: 2 }])
    await goTo(clock, 31, () => calls().length > 1)
    expect(calls()).toMatchObject([{ handedOver: 2 }, { handedOver: 1 }])
    expect(asked.slice(3)).toEqual([slow])
  })

  test('looks again at jobs that share a call, and puts them off, in one statement', async () => {
    const clock = new TestClock(START)
    let calls = 0
    const receipts = () => (calls++ === 0 ? ({ kind: 'later', reason: 'busy', status: 503 } as const) : undefined)
    const world = await openRunning(kind, { receipts, receipt: () => undefined }, { clock })
    await sendEach(world, ['a', 'b', 'c'])
    const enqueued = vi.spyOn(PgBoss.prototype, 'insert')
    const completed = vi.spyOn(PgBoss.prototype, 'complete')
    await goTo(clock, 16, () => told(world, 'receipts.settled').length > 0)
    expect(told(world, 'receipts.failed')).toHaveLength(1)
    expect(enqueued.mock.calls.map(([, jobs]) => jobs)).toMatchObject([
      [{}, {}, {}],
      [{}, {}, {}],
    ])
    expect(completed.mock.calls.map(([, jobs]) => jobs)).toMatchObject([
      [{}, {}, {}],
      [{}, {}, {}],
    ])
  })

  test('a job that cannot be written down waits alone, and those that share its call do not', async () => {
    const clock = new TestClock(START)
    const world = await openRunning(kind, {}, { clock })
    const [bad, ...good] = await sendEach(world, ['bad', 'a', 'b', 'c'])
    await spoilRow(world, bad!)
    await goTo(clock, 16, async () => (await handedOver(world, good)) === 3)
    expect(await totalsOf(world.db, bad!)).toMatchObject({ awaiting_receipt: 1 })
    const failures = () => told(world, 'job.failed')
    await goTo(clock, 17, () => failures().length >= 3)
    const spoiled = { queue: 'receipts', error: expect.stringContaining('spoiled') }
    for (const failure of failures()) expect(failure).toMatchObject(spoiled)
    await sql`drop trigger spoil on belfry.deliveries`.execute(world.db.kysely)
    await goTo(clock, 29, async () => (await handedOver(world, [bad!])) === 1)
  })

  test('a job for which Expo refuses the call waits alone, and after a day there is no receipt', async () => {
    const clock = new TestClock(START)
    const calls: string[][] = []
    const receipts = (ids: string[]) => {
      calls.push(ids)
      if (!ids.includes('ticket of ExponentPushToken[bad]')) return undefined
      return { kind: 'refused', status: 400, code: 'VALIDATION_ERROR', message: 'bad' } as const
    }
    const world = await openRunning(kind, { receipts }, { clock })
    const [bad, ...good] = await sendEach(world, ['bad', 'a', 'b', 'c'])
    await goTo(clock, 16, async () => (await handedOver(world, good)) === 3)
    good.push(...(await sendEach(world, ['d'])))
    await goTo(clock, 32, async () => (await handedOver(world, good)) === 4)
    const shared = calls.filter((ids) => ids.length > 1)
    expect(shared.map((ids) => ids.length)).toEqual([4, 2, 2])
    expect(calls.length).toBeGreaterThan(shared.length + 3)
    expect(told(world, 'receipts.failed')[0]).toMatchObject({ reason: 'VALIDATION_ERROR: bad', status: 400 })
    await goTo(clock, 1_381, async () => (await totalsOf(world.db, bad!)).no_receipt === 1)
    await expectBalanced(world, bad!)
  })

  test.each([{ users: ['ben'] }, { everyone: true } as const])(
    'what was sent of work that is put off again and again is asked for once: %j',
    async (audience) => {
      const clock = new TestClock(START)
      const send = (messages: ExpoMessage[]): SendAnswer =>
        messages.some(({ to }) => to.includes('ExponentPushToken[bad]'))
          ? { kind: 'refused', status: 403, code: 'FORBIDDEN', message: 'no' }
          : allOk(messages)
      const world = await openRunning(kind, { send }, { clock })
      for (const project of ['good', 'bad']) {
        await world.device('ben', { token: `ExponentPushToken[${project}]`, project: `@a/${project}` })
      }
      const id = await world.notify({ audience })
      await goTo(clock, 0, async () => (await totalsOf(world.db, id)).accepted === 1)
      const before = world.requests.length
      for (const minutes of [5, 10]) await goTo(clock, minutes, () => world.requests.length > before)
      await goTo(clock, 16, async () => (await totalsOf(world.db, id)).handed_over === 1)
      await goTo(clock, 32, () => true)
      expect(world.facts.filter(({ name }) => name === 'receipts.settled')).toHaveLength(1)
    },
  )

  const [one, everyone] = [{ users: ['ben'] }, { everyone: true } as const]
  test.each([
    { audience: one, stop: cancelNotification },
    { audience: everyone, stop: cancelNotification },
    { audience: one, stop: pauseNotification },
    { audience: everyone, stop: pauseNotification },
  ])('what was sent before the rest was stopped is asked for: $audience, $stop.name', async ({ audience, stop }) => {
    const clock = new TestClock(START)
    let id = ''
    const send = async (messages: ExpoMessage[]): Promise<SendAnswer> => {
      if (messages.some(({ to }) => to.includes('ExponentPushToken[good]'))) return allOk(messages)
      await stop(world.db, id)
      return { kind: 'refused', status: 400, code: 'VALIDATION_ERROR', message: 'not all of them' }
    }
    const world = await openRunning(kind, { send }, { clock })
    for (const name of ['good', 'bad', 'worse']) {
      const project = name === 'good' ? '@a/good' : '@a/bad'
      await world.device('ben', { token: `ExponentPushToken[${name}]`, project })
    }
    id = await world.notify({ audience })
    const isClosed = async () => (await totalsOf(world.db, id)).pending === 0
    const isParked = () => world.db.kysely.selectFrom('parked').select('id').executeTakeFirst()
    await goTo(
      clock,
      0,
      async () => world.requests.length > 1 && ((await isClosed()) || (await isParked()) !== undefined),
    )
    expect(await totalsOf(world.db, id)).toMatchObject({ accepted: 1 })
    await goTo(clock, 16, async () => (await totalsOf(world.db, id)).handed_over === 1)
  })
})
