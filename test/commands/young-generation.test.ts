/** What a process that has idled allows its young generation. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const MB = 1024 * 1024
const source = new URL('../../src/commands/young-generation.ts', import.meta.url).href

/** The size of the young generation of a process that begins with V8's least, after much garbage of which some survives. */
async function sizeAfterWork(isHeld: boolean): Promise<number> {
  const program = `
    import v8 from 'node:v8'
    v8.setFlagsFromString('--semi-space-growth-factor=1')
    ${isHeld ? `;(await import('${source}')).holdYoungGeneration()` : ''}
    const kept = []
    for (let round = 0; round < 400; round++) {
      for (let i = 0; i < 2000; i++) kept[(round * 2000 + i) % 40000] = { round, i, words: 'w' + i }
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    const space = v8.getHeapSpaceStatistics().find((one) => one.space_name === 'new_space')
    console.log(space.space_used_size + space.space_available_size)`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program])
  return Number(stdout)
}

test('it grows back to what a broadcast needs, and no further', async () => {
  expect(await sizeAfterWork(false)).toBeLessThan(2 * MB)
  const held = await sizeAfterWork(true)
  expect(held).toBeGreaterThan(6 * MB)
  expect(held).toBeLessThan(10 * MB)
})
