/** Who is being answered: what has time lets them go first, or they would wait for it at the database and the processor. */
import type { Clock, Foreground } from './ports.ts'

/** So long others wait for one who is being answered: an answer that takes longer waits for something else. */
const MOST_MS = 20

export function openForeground(clock: Clock): Foreground {
  const since = new Map<object, number>()
  let nobody = new AbortController()

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
      if (since.size > 0) await clock.wait(MOST_MS, nobody.signal)
    },
  }
}
