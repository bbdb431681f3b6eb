/** How many recipients Expo has answered for since that was last written to the database; by project and minute. */
import type { Clock } from '../../ports.ts'
import type { Answered } from '../../store/tokens/flood.ts'

export interface Tally {
  add(project: string | null, answered: number): void
  /**
   * Runs `work`, which writes down what it takes. When that fails, what was taken is counted again.
   * @param heard answers that are counted for `work` only: when it fails, Expo is asked for them again.
   */
  within<T>(work: (take: Take) => Promise<T>, heard?: { project: string | null; answered: number }[]): Promise<T>
}

/** Takes all counts of a project. Asked again, it gives the same: a transaction may be run again. */
export type Take = (project: string) => Answered[]

const MINUTE_MS = 60_000
/** A flood is measured over an hour: nobody asks for what is older, and most projects never have one. */
const KEPT_MINUTES = 60

/** Of one project: the minute, by our clock, and how many were answered for in it. */
type Minutes = Map<number, number>

export function openTally(clock: Pick<Clock, 'monotonic'>): Tally {
  const counts = new Map<string, Minutes>()
  const thisMinute = () => Math.floor(clock.monotonic() / MINUTE_MS)
  return {
    add(project, answered) {
      addTo(counts, project ?? '', thisMinute(), answered)
    },
    async within(work, heard = []) {
      const minute = thisMinute()
      for (const { project, answered } of heard) addTo(counts, project ?? '', minute, answered)
      const taken = new Map<string, Minutes>()
      const take: Take = (project) => {
        const minutes = taken.get(project) ?? counts.get(project) ?? new Map<number, number>()
        if (!taken.has(project)) counts.delete(project)
        taken.set(project, minutes)
        const now = thisMinute()
        return [...minutes].map(([minute, answered]) => ({ minutesAgo: now - minute, answered }))
      }
      try {
        return await work(take)
      } catch (error) {
        for (const [project, minutes] of taken) {
          for (const [minute, answered] of minutes) addTo(counts, project, minute, answered)
        }
        for (const { project, answered } of heard) addTo(counts, project ?? '', minute, -answered)
        throw error
      }
    },
  }
}

function addTo(counts: Map<string, Minutes>, project: string, minute: number, answered: number): void {
  const minutes = counts.get(project) ?? new Map<number, number>()
  counts.set(project, minutes)
  if (!minutes.has(minute)) dropOld(minutes, minute - KEPT_MINUTES)
  minutes.set(minute, (minutes.get(minute) ?? 0) + answered)
}

function dropOld(minutes: Minutes, upTo: number): void {
  for (const minute of minutes.keys()) if (minute <= upTo) minutes.delete(minute)
}
