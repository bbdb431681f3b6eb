import { expect, test } from 'vitest'
import { groupCommit } from './group-commit.ts'

test('what comes while a statement is under way shares the next one, and each gets its own value', async () => {
  const groups: number[][] = []
  let release = (): void => undefined
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const add = groupCommit(async (items: number[]) => {
    groups.push(items)
    if (groups.length === 1) await held
    return items.map((item) => item * 10)
  }, 3)
  const all = [1, 2, 3, 4, 5].map((item) => add(item))
  release()
  expect(await Promise.all(all)).toEqual([10, 20, 30, 40, 50])
  expect(groups).toEqual([[1], [2, 3, 4], [5]])
})

test('a statement that fails rejects its own items, and the next ones go on', async () => {
  let calls = 0
  const add = groupCommit(async (items: string[]) => {
    calls += 1
    if (calls === 1) throw new Error('no')
    return items
  }, 10)
  const [first, second] = await Promise.allSettled([add('a'), add('b')])
  expect(first?.status).toBe('rejected')
  expect(second).toEqual({ status: 'fulfilled', value: 'b' })
})
