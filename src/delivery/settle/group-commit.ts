/**
 * Neighbours share a statement: what comes in the same turn of the event loop goes together, and while a statement is
 * under way, what comes meanwhile gathers for the next. Under load, the database sees one statement for many.
 */
import { setImmediate as turn } from 'node:timers/promises'

/**
 * @param flush answers one value for each item, in order.
 * @param most items in one statement.
 * @param clear what is waited for before each statement; what comes meanwhile goes with it.
 */
export function groupCommit<Item, Value>(
  flush: (items: Item[]) => Promise<Value[]>,
  most: number,
  clear: () => Promise<void> = async () => {},
): (item: Item) => Promise<Value> {
  interface Waiting {
    item: Item
    resolve: (value: Value) => void
    reject: (error: unknown) => void
  }
  let waiting: Waiting[] = []
  let running = false

  async function run(): Promise<void> {
    running = true
    while (waiting.length > 0) {
      await turn()
      await clear()
      const group = waiting.slice(0, most)
      waiting = waiting.slice(most)
      try {
        const values = await flush(group.map((one) => one.item))
        group.forEach((one, index) => one.resolve(values[index] as Value))
      } catch (error) {
        for (const one of group) one.reject(error)
      }
    }
    running = false
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject })
      if (!running) void run()
    })
}
