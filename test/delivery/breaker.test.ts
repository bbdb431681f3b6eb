/** A project's breaker is one for all processes: what one of them opens holds all, and half open one request of them all tries. */
import { sql } from 'kysely'
import { TestClock } from 'pg-boss'
import { expect, test } from 'vitest'
import { type Breaker, openBreakers } from '../../src/delivery/turns/breaker.ts'
import type { ExpoMessage } from '../../src/domain/messages/expo-message.ts'
import type { SendAnswer } from '../../src/ports.ts'
import { CHUNK_TOKENS } from '../../src/store/ledger/fan-out.ts'
import { findOpenBreakers, openBreaker } from '../../src/store/ledger/pace.ts'
import { crowd } from '../kit/books.ts'
import { until } from '../kit/guard.ts'
import { allOk, KINDS, type Kind, openDatabase, openRunning, systemClock } from '../kit/inside.ts'

const START = Date.parse('2026-01-01T09:00:00Z')
/** How long a probe may take. */
const PROBE_MS = 35_000
/** For how long a breaker is open when Expo refuses the access token, and then when the first probe fails otherwise. */
const OPEN_MS = 15_000
const OPEN_AGAIN_MS = 4_000

/** Processes of one database, which nobody else has; time stands still until the test moves it. The embedded one has a single process. */
async function processes(kind: Kind) {
  const clock = new TestClock(START)
  const first = await openDatabase(kind, { clock })
  const databases = kind === 'PGlite' ? [first] : [first, await openDatabase(kind, { clock, url: first.url! })]
  const watch = { ...systemClock, monotonic: () => clock.now() }
  const breakers = databases.map(({ db }) => openBreakers(db, watch, () => undefined, PROBE_MS))
  return { db: first.db, breakers, goTo: (ms: number) => clock.setTime(START + ms) }
}

const isGo = ({ kind }: { kind: string }) => kind === 'go'
/** How many of many that ask at once, in turn at each process, may go. */
async function going(breakers: Breaker[], project: string | null = null): Promise<number> {
  const asked = Array.from({ length: 24 }, (_, n) => breakers[n % breakers.length]!.admit(project))
  return (await Promise.all(asked)).filter(isGo).length
}
/** A process looks again when its last look is this old, and goes on meanwhile. */
const VIEW_MS = 1_000
const learn = (breakers: Breaker[], what: string, isSo: (one: Breaker) => boolean) =>
  Promise.all(breakers.map((one) => until(`each to know that it is ${what}`, () => isSo(one))))
const isHalfOpen = (one: Breaker) => one.isOpen('') && isGo(one.look(null))

test.each(KINDS)('half open, one request among all processes tries, on %s', async (kind) => {
  const { breakers, goTo } = await processes(kind)
  await breakers[0]!.answered(null, { unauthorized: 'no' })
  expect(await going(breakers)).toBe(0)
  expect(await going(breakers, 'another')).toBe(24)
  await goTo(OPEN_MS - 1)
  expect(await going(breakers)).toBe(0)
  const tried = OPEN_MS + VIEW_MS
  await goTo(tried)
  await learn(breakers, 'half open', isHalfOpen)
  expect(await going(breakers)).toBe(1)
  expect(await going(breakers)).toBe(0)
  // Whose process has died answers never: then another tries, and again one.
  await goTo(tried + PROBE_MS - 1)
  expect(await going(breakers)).toBe(0)
  await goTo(tried + PROBE_MS + VIEW_MS)
  await learn(breakers, 'half open again', isHalfOpen)
  expect(await going(breakers)).toBe(1)
})

test('the answer to the one that tries decides for all processes, and what was under way says nothing', async () => {
  const { db, breakers, goTo } = await processes('PostgreSQL 18')
  const openFor = async () => (await findOpenBreakers(db)).map(({ remainingMs }) => remainingMs)
  const [one, other] = breakers as [Breaker, Breaker]
  await one.answered(null, { unauthorized: 'no' })
  await learn(breakers, 'open', (each) => each.isOpen(''))
  const tried = OPEN_MS + VIEW_MS
  await goTo(tried)
  await learn(breakers, 'half open', isHalfOpen)
  expect(isGo(await one.admit(null))).toBe(true)
  await other.answered(null, 'failed')
  expect(await openFor()).toEqual([PROBE_MS])
  await one.answered(null, 'failed')
  expect(await openFor()).toEqual([OPEN_AGAIN_MS])
  expect(await going(breakers)).toBe(0)
  const triedAgain = tried + OPEN_AGAIN_MS + VIEW_MS
  await goTo(triedAgain)
  await learn(breakers, 'half open again', isHalfOpen)
  expect(isGo(await other.admit(null))).toBe(true)
  await other.answered(null, 'well')
  await goTo(triedAgain + VIEW_MS)
  await learn(breakers, 'closed', (each) => !each.isOpen(''))
  expect(await going(breakers)).toBe(24)
})

test('whoever waits while one tries looks again before that must have been answered', async () => {
  const { breakers, goTo } = await processes('PostgreSQL 18')
  const [one, other] = breakers as [Breaker, Breaker]
  await one.answered(null, { unauthorized: 'no' })
  await goTo(OPEN_MS + VIEW_MS)
  await learn(breakers, 'half open', isHalfOpen)
  expect(isGo(await one.admit(null))).toBe(true)
  await goTo(OPEN_MS + 2 * VIEW_MS)
  await learn(breakers, 'being tried', (each) => !isGo(each.look(null)))
  for (const told of [one.look(null), await other.admit(null)]) {
    expect(told.kind).toBe('wait')
    expect(told.kind === 'wait' && told.ms).toBeLessThan(PROBE_MS / 2)
  }
})

test('of a broadcast that two processes send, one request leaves while Expo is tried', async () => {
  const leaves: ExpoMessage[][] = []
  const answer = Promise.withResolvers<void>()
  const send = async (messages: ExpoMessage[]): Promise<SendAnswer> => {
    leaves.push(messages)
    await answer.promise
    return allOk(messages)
  }
  const database = await openDatabase('PostgreSQL 18')
  const { db } = database
  await openBreaker(db, '', 'Expo is away', 0, 0)
  await crowd(database, 4 * CHUNK_TOKENS)
  const another = await openDatabase('PostgreSQL 18', { url: database.url! })
  const [world] = await Promise.all(
    [database, another].map((one) => openRunning('PostgreSQL 18', { send }, { database: one, timeoutMs: 60_000 })),
  )
  const id = await world!.notify({ audience: { everyone: true } })
  await until('all others to be put off', async () => {
    const [row] = await db.rows<{ chunks: number; active: number; later: number }>(sql`
      select n.chunks, count(*) filter (where j.state = 'active')::int as active,
        count(*) filter (where j.state = 'created' and j.start_after > ${db.now})::int as later
      from ${db.t.notifications} n, belfry_queue.job j
      where n.id = ${id} and n.fan_out_done and j.name = 'send-broadcast' group by n.chunks`)
    return row !== undefined && row.active > 0 && row.active + row.later === row.chunks
  })
  expect(leaves).toHaveLength(1)
  answer.resolve()
})

test('a 429 to the one that tries says that Expo answers', async () => {
  const closed: number[] = []
  const database = await openDatabase('PostgreSQL 18')
  await openBreaker(database.db, '', 'Expo is away', 0, 0)
  const world = await openRunning(
    'PostgreSQL 18',
    {
      send(messages, call) {
        closed.push(database.facts.filter(({ name }) => name === 'breaker.closed').length)
        return call === 1 ? { kind: 'later', reason: 'HTTP 429', status: 429, rateLimited: true } : allOk(messages)
      },
    },
    { database },
  )
  await world.device('ben')
  await world.notify({ audience: { users: ['ben'] } })
  await world.drain()
  expect(closed).toEqual([0, 1])
})
