import { expect, test } from 'vitest'
import { withPage } from './chromium.ts'

test('a real browser opens a page, runs what is on it, and has letters to write it with', async () => {
  const page = 'data:text/html,<i>.</i><b>no</b><script>document.querySelector("b").textContent = "yes"</script>'
  const [word, wide, narrow] = await withPage(page, async (opened) => [
    await opened.textContent('b'),
    (await opened.locator('b').boundingBox())?.width,
    (await opened.locator('i').boundingBox())?.width,
  ])
  expect(word).toBe('yes')
  expect(wide).toBeGreaterThan(10)
  expect(narrow).toBeLessThan(8)
})
