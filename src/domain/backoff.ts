/** Waiting after a failure: full jitter, so that many who failed together do not come back together. */
const BACKOFF_BASE_MS = 1_000
export const BACKOFF_CAP_MS = 5 * 60_000

/** @param tries failures so far, from 1. @param random between 0 and 1. */
export function backoffMs(tries: number, random: number): number {
  const ceiling = Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** Math.min(tries - 1, 30))
  return Math.round(ceiling * random)
}
