/** How many recipients Expo has answered for, since somebody last wrote it down; by project. */
export interface Tally {
  add(project: string | null, answered: number): void
  /** What is taken within `work` is its to write down; when it fails, it is counted again. */
  within<T>(work: (take: Take) => Promise<T>): Promise<T>
}

/** All there is of a project; the same again when a transaction is run again. */
export type Take = (project: string) => number

export function openTally(): Tally {
  const counts = new Map<string, number>()
  const add = (project: string | null, answered: number) => {
    const key = project ?? ''
    counts.set(key, (counts.get(key) ?? 0) + answered)
  }
  return {
    add,
    async within(work) {
      const taken = new Map<string, number>()
      const take: Take = (project) => {
        const count = taken.get(project) ?? counts.get(project) ?? 0
        if (!taken.has(project)) counts.delete(project)
        taken.set(project, count)
        return count
      }
      try {
        return await work(take)
      } catch (error) {
        for (const [project, count] of taken) add(project, count)
        throw error
      }
    },
  }
}
