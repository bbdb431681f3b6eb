/** Expo's limit: notifications in any sliding second. What would pass the limit is refused whole and not counted. */
export class SlidingSecond {
  #entries: { at: number; count: number }[] = []
  #sum = 0
  /** The most that any sliding second took. */
  highest = 0

  /** `perSecond` 0 means no limit; what is taken is counted all the same. */
  take(count: number, perSecond: number, now: number): boolean {
    this.#forget(now)
    if (perSecond > 0 && this.#sum + count > perSecond) return false
    this.#entries.push({ at: now, count })
    this.#sum += count
    this.highest = Math.max(this.highest, this.#sum)
    return true
  }

  #forget(now: number): void {
    const first = this.#entries.findIndex((entry) => entry.at > now - 1000)
    const gone = this.#entries.splice(0, first < 0 ? this.#entries.length : first)
    for (const entry of gone) this.#sum -= entry.count
  }
}
