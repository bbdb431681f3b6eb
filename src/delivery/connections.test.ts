import { expect, test } from 'vitest'
import { openConnections } from './connections.ts'

/** What a promise came to by now; undefined while it waits. */
async function now<T>(promise: Promise<T>): Promise<T | undefined> {
  return Promise.race([promise, new Promise<undefined>((resolve) => setImmediate(resolve, undefined))])
}

test('a free connection goes to a waiting direct request first', async () => {
  const connections = openConnections(1)
  const giveBack = await connections.connection('broadcast')
  const broadcast = connections.connection('broadcast')
  const direct = connections.connection('direct')
  giveBack()
  expect(await now(direct)).toBeDefined()
  expect(await now(broadcast)).toBeUndefined()
})

test('when Expo is slow, broadcasts leave one connection free', async () => {
  const connections = openConnections(3)
  for (let i = 0; i < 20; i++) connections.took(5_000)
  await connections.connection('broadcast')
  await connections.connection('broadcast')
  expect(await now(connections.connection('broadcast'))).toBeUndefined()
  expect(await now(connections.connection('direct'))).toBeDefined()
})

test('intents never exceed twice the connections, and broadcasts leave some to direct requests', async () => {
  const connections = openConnections(6)
  const broadcasts = Array.from({ length: 20 }, () => connections.permit('broadcast'))
  const given = (await Promise.all(broadcasts.map(now))).filter(Boolean)
  expect(given).toHaveLength(9)
  const directs = (await Promise.all(Array.from({ length: 10 }, () => now(connections.permit('direct'))))).filter(
    Boolean,
  )
  expect(given.length + directs.length).toBe(12)
})

test('giving back twice gives back once', async () => {
  const connections = openConnections(1)
  const giveBack = await connections.connection('direct')
  giveBack()
  giveBack()
  await connections.connection('direct')
  expect(await now(connections.connection('direct'))).toBeUndefined()
})
