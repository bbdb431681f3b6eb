import { expect, test } from 'vitest'
import { all } from './all.ts'

test('one that fails waits for its siblings, so that nothing of theirs is under way when the work goes back', async () => {
  const { promise: slow, resolve: finish } = Promise.withResolvers<string>()
  let ended = false
  const together = all([Promise.reject(new Error('the database is away')), slow]).catch((error: Error) => {
    ended = true
    return error.message
  })
  await new Promise((resolve) => setImmediate(resolve))
  expect(ended).toBe(false)
  finish('saved')
  expect(await together).toBe('the database is away')
})

test('when none fails, their values come in order', async () => {
  expect(await all([Promise.resolve(1), Promise.resolve(2)])).toEqual([1, 2])
})
