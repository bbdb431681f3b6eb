/** What the last minute's answers were, counted by the second: its size does not depend on how much is sent. */
const WINDOW_MS = 60_000

export interface Window {
  add(now: number, failed: boolean): void
  /** What the minute before the last answer held, that included. */
  sum(): Answers
}

export interface Answers {
  total: number
  failed: number
}

export function newWindow(): Window {
  const seconds: { second: number; total: number; failed: number }[] = []
  return {
    add(now, failed) {
      const second = Math.floor(now / 1_000)
      let last = seconds.at(-1)
      if (last?.second !== second) seconds.push((last = { second, total: 0, failed: 0 }))
      last.total += 1
      if (failed) last.failed += 1
      while ((seconds[0]?.second ?? second) <= second - WINDOW_MS / 1_000) seconds.shift()
    },
    sum: () =>
      seconds.reduce((sum, one) => ({ total: sum.total + one.total, failed: sum.failed + one.failed }), {
        total: 0,
        failed: 0,
      }),
  }
}
