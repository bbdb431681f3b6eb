/** Composing: what the page shows is what phones show and the server counts; by keyboard alone; and sent once. */
import type { Locator } from 'playwright-core'
import { beforeEach, describe, expect, test } from 'vitest'
import { until } from '../kit/guard.ts'
import { OPERATOR_KEY } from '../kit/server.ts'
import { hereAtConsole } from './kit.ts'

const here = hereAtConsole({ prepare: (world) => world.user('ana').register({ device_type: 'ios' }) })
beforeEach(() => here.at.open('Compose'))

const title = () => here.at.page.getByLabel('Title')
const body = () => here.at.page.getByLabel('Body')
const sendIt = () => here.at.page.getByRole('button', { name: 'Send it' })
const untilSendable = () => until('the count', () => sendIt().isEnabled())

type Styled = { getComputedStyle(element: unknown): Record<string, string> }
const styleOf = (of: Locator, name: string) =>
  of.evaluate((it, name) => (globalThis as unknown as Styled).getComputedStyle(it)[name]!, name)

/** Lines of text that are seen of it. */
async function lines(of: Locator): Promise<number> {
  const height = await of.evaluate((it) => (it as unknown as { clientHeight: number }).clientHeight)
  return Math.round(height / Number.parseFloat(await styleOf(of, 'lineHeight')))
}

describe('the two phones', () => {
  const shown = (kind: 'ios' | 'android', part: 't' | 'b') => here.at.page.locator(`.phone.${kind} .${part}`)

  test('show what was written, and nothing that was not', async () => {
    await title().fill('Only a title')
    for (const kind of ['ios', 'android'] as const) {
      expect(await shown(kind, 't').allTextContents()).toEqual(['Only a title'])
      expect(await shown(kind, 'b').count()).toBe(0)
    }
    await title().fill('  ')
    await body().fill('Only a body')
    for (const kind of ['ios', 'android'] as const) {
      expect(await shown(kind, 't').count()).toBe(0)
      expect(await shown(kind, 'b').allTextContents()).toEqual(['Only a body'])
    }
  })

  test('cut long words and long texts where phones do, and nothing runs out of them', async () => {
    await title().fill('Rindfleischetikettierungsueberwachungsaufgabenuebertragungsgesetz '.repeat(3))
    await body().fill(`${'Words and words and words. '.repeat(20)}\n${'x'.repeat(400)}`)
    for (const width of [1280, 800, 390]) {
      await here.at.page.setViewportSize({ width, height: 900 })
      expect([await lines(shown('ios', 't')), await lines(shown('ios', 'b'))]).toEqual([1, 4])
      expect([await lines(shown('android', 't')), await lines(shown('android', 'b'))]).toEqual([1, 1])
      expect(await here.at.page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0)
      for (const kind of ['ios', 'android']) {
        const glass = (await here.at.page.locator(`.phone.${kind} .glass`).boundingBox())!
        const note = (await here.at.page.locator(`.phone.${kind} .note`).boundingBox())!
        expect(note.x + note.width).toBeLessThanOrEqual(glass.x + glass.width)
        expect(note.y + note.height).toBeLessThanOrEqual(glass.y + glass.height)
      }
    }
  })

  test('leave a text of the usual length whole', async () => {
    // What iPhones show of a body on the lock screen: about 160 characters of Latin text.
    await body().fill('The library closes at four on Friday, because the heating is being mended; it opens on Monday.')
    const isWhole = await shown('ios', 'b').evaluate((element) => {
      const { scrollHeight, clientHeight } = element as unknown as { scrollHeight: number; clientHeight: number }
      return scrollHeight <= clientHeight
    })
    expect(isWhole).toBe(true)
  })

  test('write from right to left what is read so, in the fields as well', async () => {
    await title().fill('مرحبا')
    await body().fill('שלום')
    const all = [shown('ios', 't'), shown('ios', 'b'), shown('android', 't'), title(), body()]
    for (const one of all) expect(await styleOf(one, 'direction')).toBe('rtl')
  })
})

test('the meter counts as the server does', async () => {
  await title().fill('Long')
  await here.at.page.getByText('Data and options').click()
  await here.at.page.getByLabel('Data for the app (JSON)').fill('{ "screen" :   "home" }')
  const bytes = async () =>
    Number((await here.at.page.locator('.meter').textContent())!.match(/^[\d,]+/)![0].replace(',', ''))
  await body().fill('x')
  await body().fill('x'.repeat(4_096 - (await bytes()) + 1))
  expect(await bytes()).toBe(4_096)
  await untilSendable()
  await body().press('End')
  await body().type('y')
  expect(await bytes()).toBe(4_097)
  expect(await sendIt().isDisabled()).toBe(true)
  await here.at.page.getByText(/4,?097 bytes/).waitFor()
})

test('by keyboard alone: through the fields, to the question, back, and sent', async () => {
  const { page } = here.at
  const focused = () => page.evaluate('document.activeElement.textContent || document.activeElement.tagName')
  await title().focus()
  await page.keyboard.type('By hand')
  const way: unknown[] = []
  for (let n = 0; n < 8; n++) {
    await page.keyboard.press('Tab')
    way.push(await focused())
    const outline = await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')
    expect(outline).toBe('solid')
  }
  const fields = ['TEXTAREA', 'Data and options', 'Everyone', 'Named users', 'A topic', 'INPUT', 'Now', 'Later']
  expect(way).toEqual(fields)
  await untilSendable()
  await page.keyboard.press('Tab')
  expect(await focused()).toBe('Send it')
  await page.keyboard.press('Enter')
  await page.getByRole('dialog').waitFor()
  expect(await here.at.seriousFaults()).toEqual([])
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  expect(await focused()).toBe('Send it')
  await page.keyboard.press('Enter')
  // Whoever presses Enter without reading has sent nothing.
  expect(await focused()).toBe('Back')
  await page.keyboard.press('Enter')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  expect(await focused()).toBe('Send it')
  await page.keyboard.press('Enter')
  await page.keyboard.press('Tab')
  expect(await focused()).toBe('Send to 1 device')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'By hand', level: 1 }).waitFor()
})

test('a draft is there when one comes back to it, and gone when it was sent', async () => {
  await title().fill('Not yet sent')
  await here.at.open('People')
  await here.at.open('Compose')
  expect(await title().inputValue()).toBe('Not yet sent')
  await untilSendable()
  await sendIt().click()
  await here.at.page.getByRole('button', { name: 'Send to 1 device' }).click()
  await here.at.page.getByRole('heading', { name: 'Not yet sent', level: 1 }).waitFor()
  await here.at.open('Compose')
  expect(await title().inputValue()).toBe('')
})

test('a draft outlives a reload of its tab, is in no other, and is not kept once it was sent or somebody signed out', async () => {
  const { page } = here.at
  await title().fill('Half of a thought')
  await page.getByRole('button', { name: 'Named users' }).click()
  await page.getByLabel(/^User ids/).fill('ana')
  await page.reload()
  expect(await title().inputValue()).toBe('Half of a thought')
  expect(await page.getByLabel(/^User ids/).inputValue()).toBe('ana')
  const other = await page.context().newPage()
  await other.goto(page.url())
  expect(await other.getByLabel('Title').inputValue()).toBe('')
  await untilSendable()
  await sendIt().click()
  await page.getByRole('button', { name: 'Send to 1 device' }).click()
  await page.getByRole('heading', { name: 'Half of a thought', level: 1 }).waitFor()
  await page.reload()
  await here.at.open('Compose')
  expect(await title().inputValue()).toBe('')

  await title().fill('Not for the next one')
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByLabel('Operator key').waitFor()
  expect(await page.evaluate('JSON.stringify(sessionStorage)')).toBe('{}')
})

test.for([
  ['pressing again', 'Once only', false],
  ['looking elsewhere whether it was sent, and then pressing again,', 'Once, and looked for', true],
] as const)('when the answer was lost, %s sends nothing twice', async ([, words, looksElsewhere]) => {
  const { page } = here.at
  await title().fill(words)
  await untilSendable()
  let posts = 0
  await page.route('**/api/notifications', async (route) => {
    if (route.request().postData()?.includes('dry_run')) return route.continue()
    if (posts++ > 0) return route.continue()
    await route.fetch()
    return route.abort()
  })
  await sendIt().click()
  await page.getByRole('button', { name: 'Send to 1 device' }).click()
  await page.getByText('it goes out once').waitFor()
  if (looksElsewhere) {
    await here.at.open('Notifications')
    await page.getByRole('link', { name: words }).waitFor()
    await here.at.open('Compose')
    await untilSendable()
  }
  await sendIt().click()
  await page.getByRole('button', { name: 'Send to 1 device' }).click()
  await page.getByRole('heading', { name: words, level: 1 }).waitFor()
  expect(posts).toBe(2)
  const { body: all } = await here.world.operator<{ notifications: { title: string }[] }>('GET', '/api/notifications')
  expect(all.notifications.filter((one) => one.title === words)).toHaveLength(1)
})

test('a draft is there for whoever has to sign in again, and gone for whoever signed out', async () => {
  const { page } = here.at
  const signIn = async () => {
    await page.getByLabel('Operator key').fill(OPERATOR_KEY)
    await page.getByRole('button', { name: 'Sign in' }).click()
  }
  await title().fill('Long thought about')
  await untilSendable()
  await page.context().clearCookies()
  await sendIt().click()
  await page.getByRole('button', { name: 'Send to 1 device' }).click()
  await signIn()
  expect(await title().inputValue()).toBe('Long thought about')
  await page.getByRole('button', { name: 'Sign out' }).click()
  await signIn()
  expect(await title().inputValue()).toBe('')
})

test('an option that cannot be sent is named, also where it is folded away', async () => {
  const { page } = here.at
  const expires = page.getByLabel('Expires after (hours)')
  await title().fill('With options')
  await page.getByText('Data and options').click()
  await page.getByLabel('Image (URL)').fill('no address')
  await page.getByText('"options.richContent.image": must be a URL').waitFor()
  await page.getByLabel('Image (URL)').fill('')
  await expires.fill('0')
  await page.getByText('"ttl": must be at least 1').waitFor()
  await expires.fill('700')
  await page.getByText('"ttl": must be at most 2419200, four weeks').waitFor()
  // Half an hour is a time as good as any.
  await expires.fill('0.5')
  await page.getByText('Data and options').click()
  await untilSendable()
  await sendIt().click()
  await page.getByRole('button', { name: 'Send to 1 device' }).click()
  await page.getByRole('heading', { name: 'With options', level: 1 }).waitFor()
  const { body: all } = await here.world.operator<{ notifications: Record<string, string>[] }>(
    'GET',
    '/api/notifications?limit=1',
  )
  const [sent] = all.notifications
  expect(Date.parse(sent!.expires_at!) - Date.parse(sent!.created_at!)).toBe(30 * 60_000)
})

test('a count that failed is asked for again', async () => {
  let isAway = true
  await here.at.page.route('**/api/notifications', (route) => (isAway ? route.abort() : route.continue()))
  await title().fill('Patience')
  await here.at.page.getByText('The server does not answer.').waitFor()
  isAway = false
  await untilSendable()
})
