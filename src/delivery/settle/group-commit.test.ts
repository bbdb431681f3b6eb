import { expect, test } from 'vitest'
import { until } from '../../../test/kit/guard.ts'
import { groupCommit } from './group-commit.ts'

test('what comes at once, or while a statement is under way, shares one, and each gets its own value', async () => {
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
  const first = [1, 2].map((item) => add(item))
  await until('the first statement', () => groups.length === 1)
  const others = [3, 4, 5, 6].map((item) => add(item))
  release()
  expect(await Promise.all([...first, ...others])).toEqual([10, 20, 30, 40, 50, 60])
  expect(groups).toEqual([[1, 2], [3, 4, 5], [6]])
})

test('what is not clear yet is waited for, and what comes meanwhile goes with it', async () => {
  const groups: number[][] = []
  const clear = Promise.withResolvers<void>()
  const flush = async (items: number[]) => {
    groups.push(items)
    return items
  }
  const add = groupCommit(flush, 3, () => clear.promise)
  const first = add(1)
  await new Promise((resume) => setTimeout(resume, 10))
  expect(groups).toEqual([])
  const second = add(2)
  clear.resolve()
  expect(await Promise.all([first, second])).toEqual([1, 2])
  expect(groups).toEqual([[1, 2]])
})

test('a statement that fails rejects its own items, and the next ones go on', async () => {
  let calls = 0
  const add = groupCommit(async (items: string[]) => {
    calls += 1
    if (calls === 1) throw new Error('no')
    return items
  }, 10)
  await expect(add('a')).rejects.toThrow('no')
  expect(await add('b')).toBe('b')
})
