/**
 * The last second as this process saw it. A place in the pace is taken at the database; a request that then stands still
 * (a busy machine, a collection of garbage) leaves late, in one second with those that come after it. So they wait for it.
 */
import type { Clock } from '../../ports.ts'

/** Resolves when as many may leave; they then count as having left. */
export type Depart = (project: string | null, recipients: number) => Promise<void>

/** Expo counts where it receives, and requests do not all travel equally long. */
const WINDOW_MS = 1_010

/** @param limit recipients a second. */
export function openDepartures(clock: Clock, limit: number): Depart {
  let left: { project: string | null; at: number; recipients: number }[] = []
  return async (project, recipients) => {
    for (;;) {
      const now = clock.monotonic()
      left = left.filter(({ at }) => at > now - WINDOW_MS)
      const own = left.filter((one) => one.project === project)
      const sum = own.reduce((all, one) => all + one.recipients, 0)
      const [first] = own
      if (first === undefined || sum + recipients <= limit) break
      await clock.wait(first.at + WINDOW_MS - now)
    }
    left.push({ project, at: clock.monotonic(), recipients })
  }
}
