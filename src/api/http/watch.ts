/**
 * Looking at something as long as somebody wants to see it: any number of viewers cost one look. A look that takes
 * long is made more rarely, so that watching never becomes the main work.
 */
import { setTimeout as wait } from 'node:timers/promises'

export interface Watch<T> {
  /** @param see is called with what was seen last, and then with everything new. @returns stops it. */
  join(key: string, see: (seen: T) => void): () => void
}

const LOOK_EVERY_MS = 500
/** At most this share of the time is spent looking. */
const SHARE = 0.25
const LONGEST_MS = 10_000

interface Scene<T> {
  viewers: Set<(seen: T) => void>
  last?: T
}

/** @param look undefined: it cannot be seen just now (the database is away); try again. */
export function openWatch<T>(look: (key: string) => Promise<T | undefined>): Watch<T> {
  const scenes = new Map<string, Scene<T>>()

  async function keepLooking(key: string, scene: Scene<T>): Promise<void> {
    while (scene.viewers.size > 0) {
      const started = performance.now()
      const seen = await look(key).catch(() => undefined)
      if (seen !== undefined) {
        scene.last = seen
        for (const see of scene.viewers) see(seen)
      }
      const took = performance.now() - started
      await wait(Math.min(LONGEST_MS, Math.max(LOOK_EVERY_MS - took, took / SHARE)), undefined, { ref: false })
    }
    scenes.delete(key)
  }

  return {
    join(key, see) {
      const known = scenes.get(key)
      const scene: Scene<T> = known ?? { viewers: new Set() }
      scene.viewers.add(see)
      if (scene.last !== undefined) see(scene.last)
      if (known === undefined) {
        scenes.set(key, scene)
        void keepLooking(key, scene)
      }
      return () => void scene.viewers.delete(see)
    },
  }
}
