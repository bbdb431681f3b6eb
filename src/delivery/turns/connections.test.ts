import { expect, test } from 'vitest'
import { openConnections } from './connections.ts'

const clock = (): number => 0

/** What a promise came to by now; undefined while it waits. */
async function now<T>(promise: Promise<T>): Promise<T | undefined> {
  return Promise.race([promise, new Promise<undefined>((resolve) => setImmediate(resolve, undefined))])
}

test('a free connection goes to a waiting direct request first', async () => {
  const connections = openConnections(1, clock, true)
  const giveBack = await connections.connection('broadcast')
  const broadcast = connections.connection('broadcast')
  const direct = connections.connection('direct')
  giveBack()
  expect(await now(direct)).toBeDefined()
  expect(await now(broadcast)).toBeUndefined()
})

test('when Expo is slow, broadcasts leave connections free: as many as direct requests need, but not all', async () => {
  const connections = openConnections(6, clock, true)
  for (let i = 0; i < 20; i++) connections.took(2_000)
  const held = async (lane: 'direct' | 'broadcast', count: number) =>
    (await Promise.all(Array.from({ length: count }, () => now(connections.connection(lane))))).filter(
      (giveBack) => giveBack !== undefined,
    )
  const broadcasts = await held('broadcast', 6)
  expect(broadcasts).toHaveLength(4)
  expect(await held('direct', 2)).toHaveLength(2)
  // Twenty in ten seconds, two seconds each: four are under way at a time, and chance may add to that.
  const waiting = Array.from({ length: 18 }, () => connections.connection('direct'))
  for (const giveBack of broadcasts) giveBack()
  await now(Promise.all(waiting))
  expect(await held('broadcast', 1)).toHaveLength(0)
})

test('until a few answers have come, Expo may be slow: broadcasts leave two connections free', async () => {
  const connections = openConnections(6, clock, true)
  const broadcasts = await Promise.all(Array.from({ length: 6 }, () => now(connections.connection('broadcast'))))
  expect(broadcasts.filter(Boolean)).toHaveLength(4)
  expect(await now(connections.connection('direct'))).toBeDefined()
})

test('when Expo is fast, broadcasts use them all', async () => {
  const connections = openConnections(3, clock, true)
  for (let i = 0; i < 20; i++) connections.took(150)
  for (let i = 0; i < 3; i++) expect(await now(connections.connection('broadcast'))).toBeDefined()
})

test('intents never exceed twice the connections, and broadcasts leave some to direct requests', async () => {
  const connections = openConnections(6, clock, true)
  for (let i = 0; i < 20; i++) connections.took(150)
  const broadcasts = Array.from({ length: 20 }, () => connections.permit('broadcast'))
  const given = (await Promise.all(broadcasts.map(now))).filter(Boolean)
  expect(given).toHaveLength(10)
  const directs = (await Promise.all(Array.from({ length: 10 }, () => now(connections.permit('direct'))))).filter(
    Boolean,
  )
  expect(given.length + directs.length).toBe(12)
})

test('without a pace, broadcasts take every permit, but while Expo is slow or direct requests have come lately', async () => {
  const permitsAfter = async (happened: { answersMs: number; directMsAgo?: number }): Promise<number> => {
    let time = 0
    const connections = openConnections(6, () => time, false)
    for (let i = 0; i < 20; i++) connections.took(happened.answersMs)
    if (happened.directMsAgo !== undefined) (await connections.connection('direct'))()
    time += happened.directMsAgo ?? 0
    const asked = Array.from({ length: 20 }, () => now(connections.permit('broadcast')))
    return (await Promise.all(asked)).filter(Boolean).length
  }
  expect(await permitsAfter({ answersMs: 150 })).toBe(12)
  expect(await permitsAfter({ answersMs: 150, directMsAgo: 9_999 })).toBe(10)
  expect(await permitsAfter({ answersMs: 150, directMsAgo: 10_000 })).toBe(12)
  expect(await permitsAfter({ answersMs: 2_000 })).toBe(9)
})

test('a direct request that asks again, because it had lent its connection, has not come twice', async () => {
  const connections = openConnections(6, clock, false)
  for (let i = 0; i < 20; i++) connections.took(150)
  ;(await connections.connection('direct', true))()
  const asked = Array.from({ length: 20 }, () => now(connections.permit('broadcast')))
  expect((await Promise.all(asked)).filter(Boolean)).toHaveLength(12)
})

test('giving back twice gives back once', async () => {
  const connections = openConnections(1, clock, true)
  const giveBack = await connections.connection('direct')
  giveBack()
  giveBack()
  await connections.connection('direct')
  expect(await now(connections.connection('direct'))).toBeUndefined()
})

test('an intent that is not saved behind the answers on their way waits until they are saved', async () => {
  const connections = openConnections(1, clock, true)
  const permits = [await connections.permit('direct'), await connections.permit('direct')]
  const saved = Promise.withResolvers<void>()
  permits[0]!(saved.promise)
  expect(connections.permitNow('direct')).toBeUndefined()
  const behind = await now(connections.permit('direct'))
  expect(behind).toBeDefined()
  behind!()
  expect(connections.permitNow('direct')).toBeUndefined()
  saved.reject(new Error('it is saved by nobody any more'))
  await now(saved.promise.catch(() => undefined))
  expect(connections.permitNow('direct')).toBeDefined()
})
