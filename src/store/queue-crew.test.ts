import { randomUUID } from 'node:crypto'
import { expect, test, vi } from 'vitest'
import { openCrew } from './queue-crew.ts'

type Handler = (jobs: object[]) => Promise<void>

/** Workers that take a job when they are told to; `ended` are those that were let go. */
function fakeBoss() {
  const workers = new Map<string, Handler>()
  const ended: string[] = []
  const boss = {
    async work(_queue: string, _options: object, handler: Handler) {
      const id = randomUUID()
      workers.set(id, handler)
      return id
    },
    notifyWorker() {},
    async offWork(_queue: string, { id }: { id: string }) {
      workers.delete(id)
      ended.push(id)
    },
  }
  return { boss, workers, ended }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

test('one waits; each that has found work is followed by another, up to so many; then one is left', async () => {
  const { boss, workers } = fakeBoss()
  const gates: (() => void)[] = []
  const work = () => new Promise<void>((done) => gates.push(done))
  const crew = openCrew(boss, () => undefined, { queue: 'q', workers: 3, batchSize: 1 }, work)
  await crew.start()
  const taken: Promise<void>[] = []
  for (const size of [1, 2, 3]) {
    expect(workers.size).toBe(size)
    taken.push([...workers.values()].at(-1)!([{}]))
    await vi.waitFor(() => expect(workers.size).toBe(Math.min(3, size + 1)))
  }
  expect(workers.size).toBe(3)
  for (const open of gates) open()
  await Promise.all(taken)
  expect(workers.size).toBe(1)
})

test('a handler that was let go of, and returns late, takes no worker with it', async () => {
  const { boss, workers } = fakeBoss()
  const gates: (() => void)[] = []
  const work = () => new Promise<void>((done) => gates.push(done))
  const crew = openCrew(boss, () => undefined, { queue: 'q', workers: 2, batchSize: 1 }, work)
  await crew.start()
  const [first] = [...workers.values()]
  // The same worker twice: its first claim was lost, and it has taken other work since.
  const handlers = [first!([{}]), first!([{}])]
  await vi.waitFor(() => expect(workers.size).toBe(2))
  for (const open of gates) open()
  await Promise.all(handlers)
  expect(workers.size).toBe(1)
  const [last] = [...workers.values()]
  gates.length = 0
  const again = last!([{}])
  await settled()
  gates[0]!()
  await again
  expect(workers.size).toBe(1)
})
