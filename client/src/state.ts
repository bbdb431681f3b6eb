/** What the app can show of it. */
import type { Trouble } from './server.ts'

export type Permission = 'unknown' | 'undetermined' | 'granted' | 'provisional' | 'denied' | 'unsupported'

/**
 * `off`: nobody is logged in, or the permission is missing. `waiting`: it went wrong and is tried again by itself.
 * `failed`: it was refused, and is tried again at the next start, log-in or return to the foreground.
 */
export type Registration = 'off' | 'working' | 'registered' | 'waiting' | 'failed'

export interface BelfryState {
  permission: Permission
  registration: Registration
  pushToken: string | null
  trouble: Trouble | null
}

export class State {
  #now: BelfryState = { permission: 'unknown', registration: 'off', pushToken: null, trouble: null }
  readonly #listeners = new Set<() => void>()

  get = (): BelfryState => this.#now

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  set(change: Partial<BelfryState>): void {
    const names = Object.keys(change) as (keyof BelfryState)[]
    if (names.every((name) => this.#now[name] === change[name])) return
    this.#now = { ...this.#now, ...change }
    for (const listener of this.#listeners) listener()
  }
}
