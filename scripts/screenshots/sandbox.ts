/** The sandbox's page on a fresh server: Ana has written a post, and Ben's and Cleo's phones ring. */
import type { Page } from 'playwright-core'
import { until } from '../../test/kit/guard.ts'
import { startServer } from '../../test/kit/server.ts'
import type { Camera } from './camera.ts'

export async function pictureSandbox(camera: Camera): Promise<void> {
  // Without a secret of ours the sandbox makes the tokens of its phones itself.
  const server = await startServer({ env: { JWT_SECRET: undefined } })
  try {
    const page = await camera.open(`${server.url}/sandbox`, { width: 1440, height: 880 })
    await page.getByRole('button', { name: 'Ring two phones' }).click()
    await rang(page, 'Ben', 1)
    await page.getByLabel('Whose').fill('Cleo')
    await page.getByRole('button', { name: 'Add it' }).click()
    await stateOf(page, 'Cleo', 'Locked')
    await stateOf(page, 'Ben', 'Closed')
    await page.getByLabel('To', { exact: true }).fill('Cleo')
    for (const [type, rings] of [
      ['zoom_link', 1],
      ['text', 2],
    ] as const) {
      await page.getByLabel('Type').selectOption(type)
      await page.getByRole('button', { name: 'Send it' }).click()
      await rang(page, 'Cleo', rings)
    }
    await page.getByRole('button', { name: 'Post it' }).click()
    await rang(page, 'Cleo', 3)
    await page.getByText('Quiet on purpose').waitFor()
    await page.mouse.move(0, 0)
    await page.evaluate('document.activeElement.blur()')
    await camera.take(page, 'sandbox')
  } finally {
    await server.stop()
  }
}

const phoneOf = (page: Page, name: string) => page.getByRole('article', { name: new RegExp(`^${name}`) })

async function stateOf(page: Page, name: string, state: string): Promise<void> {
  await phoneOf(page, name).getByRole('radio', { name: state }).click()
  await phoneOf(page, name).locator(`.screen.${state.toLowerCase()}`).waitFor()
}

const rang = (page: Page, name: string, cards: number) =>
  until(`${name}'s phone to ring`, async () => (await phoneOf(page, name).locator('.card').count()) === cards)
