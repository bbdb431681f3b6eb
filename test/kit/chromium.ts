/** Real Chromium, for the pages that people look at. */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'

export interface PageOptions {
  width?: number
  height?: number
  /** How many of the screen's points make one of the page's; 2 gives sharp pictures. */
  scale?: number
  dark?: boolean
}

/** Opens the page, lets `work` use it, and closes the browser whatever happens. */
export async function withPage<T>(
  url: string,
  work: (page: Page) => Promise<T>,
  options: PageOptions = {},
): Promise<T> {
  const browser = await openBrowser()
  try {
    const { width = 1280, height = 900, scale = 1, dark = false } = options
    const context = await browser.newContext({
      viewport: { width, height },
      deviceScaleFactor: scale,
      colorScheme: dark ? 'dark' : 'light',
      reducedMotion: 'reduce',
    })
    const page = await context.newPage()
    await page.goto(url)
    return await work(page)
  } finally {
    await browser.close()
  }
}

const harmless = [
  '--no-sandbox',
  '--disable-setuid-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-default-apps',
  '--disable-extensions',
  '--disable-sync',
  '--metrics-recording-only',
  '--no-default-browser-check',
  '--no-first-run',
  '--no-pings',
  '--mute-audio',
  '--hide-scrollbars',
  '--headless',
  '--no-proxy-server',
]

export async function openBrowser(): Promise<Browser> {
  const folder = await unpack()
  const { chromium: playwright } = await import('playwright-core')
  // Only the package's own letters, wherever this runs, so that pictures look the same.
  const fonts = join(folder, 'fonts.conf')
  writeFileSync(
    fonts,
    `<fontconfig><dir>${join(folder, 'fonts')}</dir><cachedir>${join(folder, 'font-cache')}</cachedir></fontconfig>`,
  )
  const launch = (more: Record<string, string>) => {
    const env = { ...process.env, HOME: folder, TMPDIR: folder, FONTCONFIG_FILE: fonts, ...more }
    const executablePath = join(folder, 'chromium')
    return playwright.launch({ executablePath, headless: true, args: harmless, env: env as Record<string, string> })
  }
  // A machine without a desktop lacks libraries that the package brings, for another system: second choice.
  return launch({}).catch((error: Error) => {
    if (!error.message.includes('shared libraries')) throw error
    return launch({ LD_LIBRARY_PATH: join(folder, 'al2023', 'lib') })
  })
}

/**
 * The package unpacks itself into the temporary folder and trusts what lies there. So it gets a folder of this
 * project's and of this user's, which appears whole or not at all; test files that come at once do not disturb each other.
 */
async function unpack(): Promise<string> {
  const folder = join(import.meta.dirname, '..', '..', '.cache', `chromium-${process.getuid?.() ?? 'any'}`)
  if (existsSync(folder)) return folder
  const half = `${folder}.${process.pid}`
  mkdirSync(half, { recursive: true, mode: 0o700 })
  const before = process.env.TMPDIR
  process.env.TMPDIR = half
  try {
    const { default: chromium, inflate } = await import('@sparticuz/chromium')
    await chromium.executablePath()
    await inflate(
      join(dirname(fileURLToPath(import.meta.resolve('@sparticuz/chromium'))), '..', 'bin', 'al2023.tar.br'),
    )
  } finally {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
  }
  try {
    renameSync(half, folder)
  } catch (error) {
    rmSync(half, { recursive: true, force: true })
    if (!existsSync(folder)) throw error
  }
  return folder
}
