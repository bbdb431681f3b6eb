import { expect, test } from 'vitest'
import { openTally } from './tally.ts'

const MINUTE = 60_000
function openAt() {
  const clock = { now: 0, monotonic: () => clock.now }
  return { clock, tally: openTally(clock) }
}

test('what a failed save had taken is counted again; what a good one took is not', async () => {
  const { tally } = openAt()
  const now = (answered: number) => [{ minutesAgo: 0, answered }]
  tally.add('@a/one', 5)
  tally.add(null, 2)
  const failed = tally.within(async (take) => {
    expect([take('@a/one'), take('@a/one'), take('')]).toEqual([now(5), now(5), now(2)])
    throw new Error('rolled back')
  })
  await expect(failed).rejects.toThrow('rolled back')
  tally.add('@a/one', 1)
  expect(await tally.within(async (take) => take('@a/one'))).toEqual(now(6))
  expect(await tally.within(async (take) => take('@a/one'))).toEqual([])
})

test('what will be asked for again is counted only when it is written down', async () => {
  const { tally } = openAt()
  tally.add('@a/one', 5)
  const heard = [{ project: '@a/one', answered: 10 }]
  const failed = tally.within(async (take) => {
    expect(take('@a/one')).toEqual([{ minutesAgo: 0, answered: 15 }])
    throw new Error('rolled back')
  }, heard)
  await expect(failed).rejects.toThrow('rolled back')
  expect(await tally.within(async (take) => take('@a/one'), heard)).toEqual([{ minutesAgo: 0, answered: 15 }])
})

test('each answer keeps its minute, and what is older than the hour of a flood is dropped', async () => {
  const { clock, tally } = openAt()
  for (const [minute, answered] of [
    [0, 1],
    [1, 20],
    [1, 30],
    [60, 400],
  ] as const) {
    clock.now = minute * MINUTE
    tally.add('@a/one', answered)
  }
  clock.now += MINUTE
  expect(await tally.within(async (take) => take('@a/one'))).toEqual([
    { minutesAgo: 60, answered: 50 },
    { minutesAgo: 1, answered: 400 },
  ])
})
