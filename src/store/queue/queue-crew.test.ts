import { randomUUID } from 'node:crypto'
import { expect, test, vi } from 'vitest'
import { until } from '../../../test/kit/guard.ts'
import { openCrew } from './queue-crew.ts'

type Handler = (jobs: object[]) => Promise<unknown>

/** Workers that take a job when they are told to; `ended` are those that were let go. */
function fakeBoss() {
  const workers = new Map<string, Handler>()
  const sizes: number[] = []
  const ended: string[] = []
  const boss = {
    async work(_queue: string, { batchSize }: { batchSize: number }, handler: Handler) {
      const id = randomUUID()
      sizes.push(batchSize)
      workers.set(id, handler)
      return id
    },
    notifyWorker() {},
    async offWork(_queue: string, { id }: { id: string }) {
      workers.delete(id)
      ended.push(id)
    },
  }
  return { boss, workers, sizes, ended }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

test('one waits; each that has found work is followed by another, up to so many; then one is left', async () => {
  const { boss, workers } = fakeBoss()
  const gates: (() => void)[] = []
  const work = () => new Promise<void>((done) => gates.push(done))
  const crew = openCrew(boss, () => undefined, { queue: 'q', workers: 3, batchSize: () => 1 }, work)
  await crew.start()
  const taken: Promise<unknown>[] = []
  for (const size of [1, 2, 3]) {
    expect(workers.size).toBe(size)
    taken.push([...workers.values()].at(-1)!([{}]))
    await until('the next one', () => workers.size === Math.min(3, size + 1))
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
  const crew = openCrew(boss, () => undefined, { queue: 'q', workers: 2, batchSize: () => 1 }, work)
  await crew.start()
  const [first] = [...workers.values()]
  // The same worker twice: its first claim was lost, and it has taken other work since.
  const handlers = [first!([{}]), first!([{}])]
  await until('the next one', () => workers.size === 2)
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

test('who takes more or less at once than is wanted now is replaced after its work, and only when that can be done', async () => {
  const { boss, workers, sizes } = fakeBoss()
  let size = 1
  const crew = openCrew(
    boss,
    () => undefined,
    { queue: 'q', workers: 2, batchSize: () => size },
    async () => undefined,
  )
  await crew.start()
  const [first, takes] = [...workers][0]!
  await takes([{}])
  expect([...workers.keys()]).toEqual([first])
  size = 3
  vi.spyOn(boss, 'work').mockRejectedValueOnce(new Error('the database is away'))
  await takes([{}])
  await settled()
  expect([...workers.keys()]).toEqual([first])
  await takes([{}])
  await until('it to be replaced', () => !workers.has(first))
  expect([workers.size, sizes]).toEqual([1, [1, 3]])
})
