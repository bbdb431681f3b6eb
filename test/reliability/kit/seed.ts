/** Everything that happens by chance in a run comes from its one seed, so that the seed replays it. */
import { dice } from '../../kit/fake-expo/plan.ts'

export interface Chance {
  seed: number
  /** From 0 to 1. */
  roll(): number
  /** A whole number, both ends included. */
  between(least: number, most: number): number
  pick<T>(list: readonly T[]): T
  /** So many of the list, each once, in the order of the list. */
  some<T>(list: readonly T[], count: number): T[]
}

export function chance(seed: number): Chance {
  const throwing = dice(seed)
  const roll = () => throwing.roll()
  const between = (least: number, most: number) => least + Math.floor(roll() * (most - least + 1))
  return {
    seed,
    roll,
    between,
    pick: (list) => list[between(0, list.length - 1)]!,
    some(list, count) {
      let [left, wanted] = [list.length, count]
      return list.filter(() => {
        const isTaken = roll() * left-- < wanted
        if (isTaken) wanted--
        return isTaken
      })
    },
  }
}

export const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms))
