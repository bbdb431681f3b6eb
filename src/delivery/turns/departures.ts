/**
 * What this process has sent within the last second. Places in the pace are given by the database; a request that is then held up
 * (a busy machine, garbage collection) leaves late, within one second of those that come after it. So these wait.
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
