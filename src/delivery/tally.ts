/** How many recipients Expo has answered for, since somebody last wrote it down; by project. */
export interface Tally {
  add(project: string | null, answered: number): void
  /** All of it, which is then somebody else's to write down. */
  take(project: string): number
}

export function openTally(): Tally {
  const counts = new Map<string, number>()
  return {
    add(project, answered) {
      const key = project ?? ''
      counts.set(key, (counts.get(key) ?? 0) + answered)
    },
    take(project) {
      const count = counts.get(project) ?? 0
      counts.delete(project)
      return count
    },
  }
}
