/**
 * The HTTP requests that this process is answering. Intents and answers of broadcasts are saved after them, or they would wait for
 * those at the database and the processor.
 */
import type { Clock, Foreground } from './ports.ts'

/** The longest wait at a time. A request that takes longer than this waits for something else, and is no longer waited for. */
const MOST_MS = 20
/** After a wait in vain there is none for so long: where somebody is always being answered, it would cost a broadcast half its speed. */
const AFTER_VAIN_MS = 100

export function openForeground(clock: Clock): Foreground {
  const since = new Map<object, number>()
  let nobody = new AbortController()
  let inVainUntil = 0

  function forgetTheSlow(): void {
    for (const [one, at] of since) {
      if (clock.monotonic() - at < MOST_MS) return
      since.delete(one)
    }
  }

  return {
    enter() {
      forgetTheSlow()
      const one = {}
      since.set(one, clock.monotonic())
      return () => {
        if (!since.delete(one) || since.size > 0) return
        nobody.abort()
        nobody = new AbortController()
      }
    },
    async clear() {
      forgetTheSlow()
      if (since.size === 0 || clock.monotonic() < inVainUntil) return
      const { signal } = nobody
      await clock.wait(MOST_MS, signal)
      if (!signal.aborted) inVainUntil = clock.monotonic() + AFTER_VAIN_MS
    },
  }
}
