/**
 * Neighbours share a statement: while one is under way, what comes meanwhile gathers for the next. Alone, a write
 * leaves at once; under load, the database sees one statement for many.
 */

/** @param flush answers one value for each item, in order. @param most items in one statement. */
export function groupCommit<Item, Value>(
  flush: (items: Item[]) => Promise<Value[]>,
  most: number,
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
