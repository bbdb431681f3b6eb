import { expect, test } from 'vitest'
import { SlidingSecond } from './rate.ts'

test('recipients count in any second, and what is refused does not count', () => {
  const pace = new SlidingSecond()
  expect(pace.take(100, 150, 0)).toBe(true)
  expect(pace.take(100, 150, 500)).toBe(false)
  expect(pace.take(50, 150, 600)).toBe(true)
  expect(pace.take(100, 150, 999)).toBe(false)
  expect(pace.take(100, 150, 1000)).toBe(true)
  expect(pace.highest).toBe(150)
})

test('without a limit everything is taken, and still counted', () => {
  const pace = new SlidingSecond()
  for (let at = 0; at < 1000; at++) expect(pace.take(100, 0, at)).toBe(true)
  expect(pace.highest).toBe(100_000)
})
