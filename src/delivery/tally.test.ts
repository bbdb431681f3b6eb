import { expect, test } from 'vitest'
import { openTally } from './tally.ts'

test('what a failed save had taken is counted again; what a good one took is not', async () => {
  const tally = openTally()
  tally.add('@a/one', 5)
  tally.add(null, 2)
  const failed = tally.within(async (take) => {
    expect([take('@a/one'), take('@a/one'), take('')]).toEqual([5, 5, 2])
    throw new Error('rolled back')
  })
  await expect(failed).rejects.toThrow('rolled back')
  tally.add('@a/one', 1)
  expect(await tally.within(async (take) => take('@a/one'))).toBe(6)
  expect(await tally.within(async (take) => take('@a/one'))).toBe(0)
})
