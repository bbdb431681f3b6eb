/** A signed-in page of the console, and what every test of it expects besides. */
import AxeBuilder from 'axe-core'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { openBrowser } from '../kit/chromium.ts'
import { OPERATOR_KEY } from '../kit/server.ts'
import { type World, worlds } from '../kit/world.ts'

export interface Console {
  page: Page
  /** Opens a section by its link. */
  open(name: string): Promise<void>
  /** Faults that keep somebody from using the page as it is now. */
  seriousFaults(): Promise<string[]>
  /** Throws when the browser complained of anything meanwhile: a violation of the policy, an error of a script. */
  close(): Promise<void>
}

export async function openConsole(browser: Browser, url: string): Promise<Console> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-GB' })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    if (/Content Security Policy|Refused to/i.test(message.text())) complaints.push(message.text())
  })
  await page.goto(`${url}/console`)
  await page.getByLabel('Operator key').fill(OPERATOR_KEY)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'Now' }).waitFor()
  return {
    page,
    open: (name) => page.getByRole('navigation').getByRole('link', { name }).click(),
    seriousFaults: () => seriousFaults(page),
    async close() {
      await context.close()
      if (complaints.length > 0) throw new Error(`the page complained: ${complaints.join('; ')}`)
    },
  }
}

interface Here {
  world: World
  at: Console
}

/** For the tests of one file: a world that they share, and each its own page of its console. */
export function hereAtConsole({ env = {}, prepare = async () => undefined }: Prepared = {}): Here {
  const here = {} as Here
  let browser: Browser
  beforeAll(async () => {
    here.world = await worlds.find(({ kind }) => kind === 'postgres')!.open({ env })
    await prepare(here.world)
    browser = await openBrowser()
  })
  beforeEach(async () => {
    here.at = await openConsole(browser, here.world.server.url)
  })
  afterEach(() => here.at.close())
  afterAll(async () => {
    await browser?.close()
    await here.world?.close()
  })
  return here
}

interface Prepared {
  env?: Record<string, string>
  prepare?: (world: World) => Promise<unknown>
}

async function seriousFaults(page: Page): Promise<string[]> {
  // Put in by the test's own hand, past the policy that would refuse it.
  await page.evaluate(AxeBuilder.source)
  const result = await page.evaluate(() =>
    (globalThis as unknown as { axe: typeof AxeBuilder }).axe.run({ resultTypes: ['violations'] }),
  )
  return result.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map((fault) => `${page.url()}: ${fault.id}: ${fault.nodes.map((node) => node.html).join(' ')}`)
}
