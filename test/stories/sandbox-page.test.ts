/** The sandbox page, as a newcomer meets it: two phones at the first click, one rings, and all of it stays. */

import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { withPage } from '../kit/chromium.ts'
import { openWorld, type World } from '../kit/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld({ database: 'pglite', env: { EXPO_PUSH_URL: undefined, JWT_SECRET: undefined } })
})
afterAll(() => world?.close())

/** Looks like markup, so that a page that took it for markup would not show it. */
const TITLE = 'Tea at <b>five</b>'
const phoneOf = (page: Page, name: string) => page.locator(`.phone:has(h2:text("${name}"))`)

async function post(page: Page, title: string): Promise<void> {
  const form = page.locator('form[aria-label="Create a post"]')
  await form.getByLabel('Title').fill(title)
  await form.getByLabel('Text').fill('Bring cake')
  await form.locator('button[type="submit"]').click()
}

test('phones appear and ring, and are still there when the page is opened again', async () => {
  const address = `${world.server.url}/sandbox`
  const errors: string[] = []
  await withPage(address, async (page) => {
    page.on('pageerror', (error) => errors.push(error.message))
    await page.locator('.empty button').click()
    const [ana, ben] = [phoneOf(page, 'Ana'), phoneOf(page, 'Ben')]
    await ben.locator('.card').first().waitFor()
    expect(await page.locator('#live').textContent()).toBe('Live')

    await post(page, TITLE)
    await ben.locator('.card', { hasText: TITLE }).waitFor()
    await page.locator('.phone.ringing:has(h2:text("Ben"))').waitFor()
    expect(await page.locator('#said').textContent()).toContain(`New Reflection from Ana. ${TITLE}`)
    expect(await ana.locator('.card').count()).toBe(0)

    await ben.locator('.states label', { hasText: 'Open' }).click()
    await post(page, 'While it is open')
    await ben.locator('.banner .card', { hasText: 'While it is open' }).waitFor()
    await ben.locator('.states label', { hasText: 'Locked' }).click()
  })
  await withPage(address, async (page) => {
    const ben = phoneOf(page, 'Ben')
    await ben.locator('.card', { hasText: TITLE }).waitFor()
    await post(page, 'After the page was closed')
    await ben.locator('.card', { hasText: 'After the page was closed' }).waitFor()
  })
  expect(errors).toEqual([])
})
