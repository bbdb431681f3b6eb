import { expect, test } from 'vitest'
import { openForeground } from './foreground.ts'

/** A clock that stands; who waits is let go by `pass`, or by the signal. */
function standing() {
  let now = 0
  const waiting: { until: number; go: () => void }[] = []
  return {
    monotonic: () => now,
    wait: (ms: number, signal?: AbortSignal) =>
      new Promise<void>((go) => {
        waiting.push({ until: now + ms, go })
        signal?.addEventListener('abort', () => go())
      }),
    pass(ms: number) {
      now += ms
      for (const { until, go } of waiting) if (until <= now) go()
    },
  }
}

/** Whether it is clear by now. */
async function isClear(clear: Promise<void>): Promise<boolean> {
  return Promise.race([clear.then(() => true), new Promise<false>((no) => setImmediate(() => no(false)))])
}

test('it is clear while nobody is being answered, and as soon as the last one has been', async () => {
  const foreground = openForeground(standing())
  expect(await isClear(foreground.clear())).toBe(true)
  const leave = foreground.enter()
  const leaveToo = foreground.enter()
  const clear = foreground.clear()
  leave()
  leave()
  expect(await isClear(clear)).toBe(false)
  leaveToo()
  expect(await isClear(clear)).toBe(true)
  expect(await isClear(foreground.clear())).toBe(true)
})

test('who comes all the time is waited for a moment, and then not for a while', async () => {
  const clock = standing()
  const foreground = openForeground(clock)
  foreground.enter()
  const clear = foreground.clear()
  clock.pass(19)
  foreground.enter()
  expect(await isClear(clear)).toBe(false)
  clock.pass(1)
  expect(await isClear(clear)).toBe(true)
  clock.pass(15)
  expect(await isClear(foreground.clear())).toBe(true)
  clock.pass(85)
  foreground.enter()
  expect(await isClear(foreground.clear())).toBe(false)
})

test('an answer that takes long holds up nobody any more', async () => {
  const clock = standing()
  const foreground = openForeground(clock)
  const leave = foreground.enter()
  clock.pass(20)
  expect(await isClear(foreground.clear())).toBe(true)
  foreground.enter()
  leave()
  expect(await isClear(foreground.clear())).toBe(false)
})
