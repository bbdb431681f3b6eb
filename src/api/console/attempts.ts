/** Limits guesses of the operator key: few from one address, and not many from everywhere together. */
const WINDOW_MS = 60_000
const FROM_ONE_ADDRESS = 5
const FROM_EVERYWHERE = 60
/** About 200 KB; beyond it the address met longest ago is forgotten, and the limit for all together still holds. */
const MAX_ADDRESSES = 2_000

export interface Attempts {
  /** @returns 0 when another one may be made, else seconds to wait. Only failures count. */
  waitSeconds(address: string): number
  failed(address: string): void
}

export function limitAttempts(now: () => number): Attempts {
  const failures = new Map<string, number[]>()
  const everywhere: number[] = []
  const recent = (times: number[]) => times.filter((time) => now() - time < WINDOW_MS)
  const wait = (times: number[], most: number) => {
    const oldest = times.at(-most)
    return oldest === undefined ? 0 : Math.max(1, Math.ceil((oldest + WINDOW_MS - now()) / 1_000))
  }
  return {
    waitSeconds(address) {
      everywhere.splice(0, everywhere.length, ...recent(everywhere))
      return Math.max(wait(recent(failures.get(address) ?? []), FROM_ONE_ADDRESS), wait(everywhere, FROM_EVERYWHERE))
    },
    failed(address) {
      const times = [...recent(failures.get(address) ?? []), now()]
      failures.delete(address)
      failures.set(address, times)
      everywhere.push(now())
      const [oldest] = failures.keys()
      if (failures.size > MAX_ADDRESSES && oldest !== undefined) failures.delete(oldest)
    },
  }
}
