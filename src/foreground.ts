/** Who is being answered: intents and answers let them go first, or they would wait for these at the database and the processor. */
import type { Clock, Foreground } from './ports.ts'

/** So long at most they are waited for at a time; who takes longer waits for something else. */
const MOST_MS = 20
/** Where somebody is being answered all the time, to wait is in vain, and costs a broadcast half its speed: so long nobody waits then. */
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
