import { expect, test } from 'vitest'
import { openDepartures } from './departures.ts'

function at(limit: number) {
  let now = 0
  const clock = {
    monotonic: () => now,
    wait: async (ms: number) => {
      now += ms
    },
  }
  const depart = openDepartures(clock, limit)
  return {
    stall: (ms: number) => void (now += ms),
    leave: async (recipients: number, project: string | null = null) => {
      await depart(project, recipients)
      return now
    },
  }
}

test('a request that left late keeps back the one that would break its second, and no other', async () => {
  const { stall, leave } = at(200)
  await leave(100)
  stall(900)
  expect(await leave(100)).toBe(900)
  stall(100)
  expect(await leave(100)).toBe(1_010)
  stall(20)
  // The second one was late: its second ends later.
  expect(await leave(100)).toBe(1_910)
})

test('projects have a second each; a request larger than the limit goes alone', async () => {
  const { leave } = at(50)
  expect(await leave(100)).toBe(0)
  expect(await leave(50, 'other')).toBe(0)
  expect(await leave(10)).toBe(1_010)
})
