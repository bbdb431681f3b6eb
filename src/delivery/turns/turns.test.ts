import { expect, test } from 'vitest'
import { openConnections } from './connections.ts'
import type { Pace, Place } from './pace.ts'
import { openTurns } from './turns.ts'

const place: Place = { kind: 'go', depart: async () => undefined }
const stop = new AbortController().signal
const ticks = () => new Promise((resolve) => setImmediate(resolve))

/** One connection, and two permits. */
function turns(take: Pace['take']) {
  const connections = openConnections(1, () => 0, true)
  return { connections, ...openTurns({ connections, pace: { take } as Pace, stop }) }
}

test('a head start that is left gives back its permit, and its connection as soon as it has one', async () => {
  const { promise: paced, resolve: goOn } = Promise.withResolvers<Place>()
  const { connections, ...lane } = turns(() => paced)
  const start = lane.ahead(null, 1)!
  await ticks()
  start.leave()
  const next = connections.connection('direct')
  goOn(place)
  await start.turn
  expect(await next).toBeTypeOf('function')
  expect([connections.permitNow('direct'), connections.permitNow('direct')].every(Boolean)).toBe(true)
})

test('a head start whose database goes away fails nobody but who waits for it, and holds nothing', async () => {
  const { connections, ...lane } = turns(async () => Promise.reject(new Error('connection terminated')))
  const start = lane.ahead(null, 1)!
  start.leave()
  await expect(start.turn).rejects.toThrow('terminated')
  expect(await connections.connection('direct')).toBeTypeOf('function')
})

test('no permit, no head start', () => {
  const lane = turns(async () => place)
  expect([lane.ahead(null, 1), lane.ahead(null, 1), lane.ahead(null, 1)].map(Boolean)).toEqual([true, true, false])
})

test('who waits for the pace lends its connection to a direct request that wants one, and has it again before it asks again', async () => {
  const naps: (() => void)[] = []
  const { connections, ...lane } = turns(async ({ project }, _stop, lend) => {
    for (let asked = 1; project === 'held' && asked <= 2; asked++) {
      await lend(() => new Promise((wake) => naps.push(wake)))
    }
    return place
  })
  const held = lane.take('direct', 'held', 1)
  await ticks()
  const other = lane.take('direct', 'other', 1)
  naps[0]!()
  const taken = await other
  naps[1]!()
  expect(await Promise.race([held, ticks()])).toBeUndefined()
  expect(taken.kind === 'go' && taken.giveBack()).toBeUndefined()
  expect(await held).toMatchObject({ kind: 'go' })
  expect(connections.isWanted()).toBe(false)
})

test('a project that waits for the pace keeps back only its own, in their order', async () => {
  const asked: (string | null)[] = []
  const { promise: paced, resolve: goOn } = Promise.withResolvers<Place>()
  const connections = openConnections(3, () => 0, true)
  const take: Pace['take'] = ({ project }) => {
    asked.push(project)
    return project === 'held' ? paced : Promise.resolve(place)
  }
  const lanes = openTurns({ connections, pace: { take } as Pace, stop })
  const own = [lanes.take('direct', 'held', 1), lanes.take('direct', 'held', 1)]
  await lanes.take('direct', 'other', 1)
  expect(asked).toEqual(['held', 'other'])
  goOn(place)
  await Promise.all(own)
  expect(asked).toEqual(['held', 'other', 'held'])
})
