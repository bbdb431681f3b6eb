/** Wherever an address leads, the console says what is there, or that nothing is, and never shows another page instead. */
import { describe, expect, test } from 'vitest'
import { until } from '../kit/guard.ts'
import { hereAtConsole } from './kit.ts'

const here = hereAtConsole()

const goTo = (address: string) => here.at.page.goto(`${here.world.server.url}/console#/${address}`)

describe('an address', () => {
  test.for(['nonsense', 'now/and/then', 'keys/one', 'people/ana/more', 'explain', 'explain/ana', 'explain//x'])(
    '#/%s leads nowhere: the console says so, and shows the way home',
    async (address) => {
      const { page } = here.at
      await goTo(address)
      await page.getByRole('heading', { name: 'No such page' }).waitFor()
      expect(await page.getByRole('heading', { level: 1 }).allTextContents()).toEqual(['No such page'])
      expect(await page.title()).toBe('No such page · Belfry')
      expect(await page.getByRole('navigation').locator('[aria-current]').count()).toBe(0)
      expect(await here.at.seriousFaults()).toEqual([])
      await page.getByRole('link', { name: 'Go to Now' }).click()
      await page.getByRole('heading', { name: 'Now', level: 1 }).waitFor()
    },
  )

  const NO_NOTIFICATION = 'There is no notification with this id'
  const NO_USER = 'There is no user with this id'
  test.for([
    ['no id of ours', 'notifications/xyz', NO_NOTIFICATION],
    ['an id with signs in it', 'notifications/a%20b%2Fc%3Fd', NO_NOTIFICATION],
    ['the id of none', 'notifications/01a208d3-90f0-7126-b9a6-290a4b1d93f9', NO_NOTIFICATION],
    ['an id without end', `notifications/${'x'.repeat(600)}`, NO_NOTIFICATION],
    ['an explanation of nothing', 'explain/ana/xyz', NO_NOTIFICATION],
    ['a user who is not there', 'people/nobody-here', NO_USER],
    ['a user without end', `people/${'x'.repeat(600)}`, NO_USER],
  ] as const)('with %s: the console says in a sentence what is not there', async ([, address, sentence]) => {
    const { page } = here.at
    await goTo(address)
    await page.getByRole('heading', { name: sentence, level: 1 }).waitFor()
    expect(await page.locator('[aria-busy=true]').count()).toBe(0)
    expect(await here.at.seriousFaults()).toEqual([])
    await here.at.open('Keys')
    await page.getByRole('heading', { name: 'Keys', level: 1 }).waitFor()
  })

  test('a page that fails says so, and the others stay within reach', async () => {
    const { page } = here.at
    await page.route('**/api/operator/keys', (route) => route.fulfill({ json: { keys: [null] } }))
    await here.at.open('Keys')
    await page.getByRole('heading', { name: 'This page failed', level: 1 }).waitFor()
    expect(await here.at.seriousFaults()).toEqual([])
    await here.at.open('People')
    await page.getByRole('heading', { name: 'People', level: 1 }).waitFor()
  })

  test('a slash too many changes nothing', async () => {
    await goTo('notifications/')
    await here.at.page.getByRole('heading', { name: 'Notifications', level: 1 }).waitFor()
    await here.at.page.getByText('No notifications here').waitFor()
  })

  test('back and reload bring what was looked for', async () => {
    const { page } = here.at
    for (const id of ['bo', 'bob', 'bill']) await here.world.user(id).register()
    const { body } = await here.world.operator('POST', '/api/notifications', {
      json: { to: { users: ['bob'] }, title: 'One' },
    })
    const pressed = () => page.locator('[aria-pressed=true]').textContent()
    await here.at.open('Notifications')
    await page.getByRole('button', { name: 'Direct' }).click()
    await page.getByRole('link', { name: 'One' }).click()
    await page.getByRole('heading', { name: 'One', level: 1 }).waitFor()
    expect(page.url()).toContain(body.notification_id)
    await page.goBack()
    await page.getByRole('link', { name: 'One' }).waitFor()
    expect(await pressed()).toBe('Direct')
    await page.reload()
    await page.getByRole('link', { name: 'One' }).waitFor()
    expect(await pressed()).toBe('Direct')

    await here.at.open('People')
    await page.getByRole('searchbox').fill('bo')
    await page.locator('.people').getByRole('link', { name: 'bob' }).click()
    await page.getByRole('heading', { name: 'bob', level: 1 }).waitFor()
    await page.goBack()
    await page.locator('.people').getByRole('link', { name: 'bob' }).waitFor()
    expect(await page.getByRole('searchbox').inputValue()).toBe('bo')

    await here.at.open('Audit')
    await page.getByLabel('To whom').fill('notification:*')
    await page.getByLabel('Did what').selectOption('Notifications')
    await page
      .locator('.trail')
      .getByRole('link', { name: /^notification/ })
      .first()
      .click()
    await page.getByRole('heading', { level: 1, name: 'One' }).waitFor()
    await page.goBack()
    await page.getByRole('heading', { level: 1, name: 'Audit' }).waitFor()
    expect(await page.getByLabel('To whom').inputValue()).toBe('notification:*')
    expect(await page.getByLabel('Did what').inputValue()).toBe('notification.*')
    await here.at.open('Notifications')
    expect(await pressed()).toBe('All')
  })

  test('each page has a title of its own, so that tabs and the history tell them apart', async () => {
    const { page } = here.at
    await here.world.user('cleo', { username: 'Cleo' }).register()
    const ids: string[] = []
    for (const title of ['First', undefined]) {
      const json = { to: { users: ['cleo'] }, ...(title && { title }), body: 'Words' }
      ids.push((await here.world.operator('POST', '/api/notifications', { json })).body.notification_id as string)
    }
    const titles = [
      [`notifications/${ids[0]}`, 'First · Belfry'],
      [`notifications/${ids[1]}`, 'Words · Belfry'],
      ['people/cleo', 'Cleo · Belfry'],
      [`explain/cleo/${ids[0]}`, /^Cleo: .* · Belfry$/],
      ['people', 'People · Belfry'],
      ['notifications/xyz', 'Notifications · Belfry'],
    ] as const
    for (const [address, title] of titles) {
      await goTo(address)
      await until(
        String(title),
        async () => (await page.title()).match(title)?.[0].length === (await page.title()).length,
      )
    }
  })

  test('back, a reload and the link back lead to where one stood in a long list, and any other link to the top', async () => {
    const { page } = here.at
    for (let n = 0; n < 45; n++)
      await here.world.operator('POST', '/api/notifications', { json: { to: { users: ['bob'] }, title: `Row ${n}` } })
    const rows = page.locator('.row')
    const below = page.getByRole('link', { name: 'Row 2', exact: true })
    const top = () => page.evaluate<number>('scrollY')
    await here.at.open('Notifications')
    await page.getByRole('button', { name: 'Direct' }).click()
    await until('a page', async () => (await rows.count()) === 30)
    await page.getByRole('button', { name: 'Show older ones' }).click()
    await until('the older ones', async () => (await rows.count()) > 44)
    await below.scrollIntoViewIfNeeded()
    const stood = await until('it to be far below', async () => ((await top()) > 1_000 ? top() : false))
    const isThere = () => until('to be there', async () => Math.abs((await top()) - stood) <= 2)

    for (const back of [() => page.goBack(), () => page.getByRole('link', { name: 'Notifications' }).last().click()]) {
      await below.click()
      await page.getByRole('heading', { name: 'Row 2', level: 1 }).waitFor()
      expect(await top()).toBe(0)
      await back()
      await isThere()
      expect(await page.locator('[aria-pressed=true]').textContent()).toBe('Direct')
    }
    await page.reload()
    await isThere()
    await here.at.open('People')
    await here.at.open('Notifications')
    await until('a page', async () => (await rows.count()) === 30)
    expect(await top()).toBe(0)
  })

  test('all of a row is the link to what it tells of, which opens in another tab as any link does', async () => {
    const { page } = here.at
    const { body } = await here.world.operator('POST', '/api/notifications', {
      json: { to: { users: ['bob'] }, title: 'Beside' },
    })
    await here.at.open('Notifications')
    const row = page.locator('.row').filter({ hasText: 'Beside' })
    for (const part of ['.what a', '.far']) {
      const { x, y, width, height } = (await row.locator(part).boundingBox())!
      const middle = `${x + width / 2}, ${y + height / 2}`
      const linked = await page.evaluate(`document.elementFromPoint(${middle})?.closest('a')?.hash`)
      expect(linked).toBe(`#/notifications/${String(body.notification_id)}`)
      await row.locator(part).click({ modifiers: ['Control'], force: true })
      expect(page.url()).toMatch(/#\/notifications$/)
    }
    await row.locator('.far').click({ force: true })
    await page.getByRole('heading', { name: 'Beside', level: 1 }).waitFor()
  })

  test('on a phone as well, all that can be pressed has a name', async () => {
    const { page } = here.at
    await page.setViewportSize({ width: 390, height: 844 })
    for (const name of ['Now', 'Notifications', 'Compose', 'People', 'Alarms', 'Keys', 'Audit']) {
      await here.at.open(name)
      await page.getByRole('heading', { name, level: 1 }).waitFor()
      expect(await here.at.seriousFaults()).toEqual([])
    }
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('Operator key').waitFor()
  })

  test('the keyboard goes on in the page that was opened, not at the top of the window', async () => {
    const { page } = here.at
    const focused = () => page.evaluate('document.activeElement.id || document.activeElement.textContent')
    await here.world.operator('POST', '/api/notifications', { json: { to: { users: ['bob'] }, title: 'Entered' } })
    await here.at.open('Notifications')
    await page.getByRole('link', { name: 'Entered' }).press('Enter')
    await page.getByRole('heading', { name: 'Entered', level: 1 }).waitFor()
    expect(await focused()).toBe('main')
    await here.at.open('Keys')
    expect(await focused()).toBe('Keys')
    await page.getByRole('button', { name: 'Create a key' }).press('Enter')
    await page.keyboard.type('By hand')
    expect(await page.getByLabel(/^Name/).inputValue()).toBe('By hand')
    await page.keyboard.press('Enter')
    await page.getByRole('region', { name: 'The secret of By hand' }).waitFor()
    expect(await focused()).toContain('The secret of By hand')
  })
})
