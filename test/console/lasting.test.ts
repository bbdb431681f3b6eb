/** A page that stays open: the server goes and comes back, new things come in above, and days go by. */
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { until } from '../kit/guard.ts'
import { hereAtConsole } from './kit.ts'

const here = hereAtConsole()

async function send(title: string, to: object | string = { users: ['nobody'] }): Promise<string> {
  const { body } = await here.world.operator('POST', '/api/notifications', { json: { to, title } })
  return body.notification_id as string
}

test('a page that is loaded while the server is away says so, and comes by itself', async () => {
  const { page } = here.at
  let isAway = true
  await page.route('**/console/session', (route) => (isAway ? route.abort() : route.continue()))
  await page.reload()
  await page.getByText('The server does not answer').waitFor()
  isAway = false
  await page.getByRole('heading', { name: 'Now', level: 1 }).waitFor()
})

test('where nothing is asked for but what comes by itself, the end of a session shows as well', async () => {
  const { page } = here.at
  await page.getByText('Live', { exact: true }).waitFor()
  await page.context().clearCookies()
  await here.world.restart()
  await page.getByLabel('Operator key').waitFor()
})

test('a browser has few connections: what stands in a tab behind takes none of them', async () => {
  const { page } = here.at
  const send_at = new Date(Date.now() + 3_600_000)
  const json = { to: { users: ['nobody'] }, title: 'In many tabs', send_at }
  const id = (await here.world.operator('POST', '/api/notifications', { json })).body.notification_id as string
  const setVisible = (tab: Page, state: 'visible' | 'hidden') =>
    tab.evaluate(
      `Object.defineProperty(document, 'visibilityState', { value: '${state}', configurable: true });
       document.dispatchEvent(new Event('visibilitychange'))`,
    )
  const tabs: Page[] = []
  for (let n = 0; n < 5; n++) {
    const tab = await page.context().newPage()
    await tab.goto(`${here.world.server.url}/console#/notifications/${id}`)
    await tab.getByText('Payload').waitFor()
    tabs.push(tab)
    await setVisible(tab, 'hidden')
  }
  const [first] = tabs as [Page]
  await here.world.operator('POST', `/api/notifications/${id}/cancel`)
  await setVisible(first, 'visible')
  await first.getByText('Cancelled', { exact: true }).first().waitFor()
})

test('what failed while the server was away is said, and nothing is promised that does not happen', async () => {
  const { page } = here.at
  await here.world.user('bea', { username: 'Bea' }).register()
  await page.goto(`${here.world.server.url}/console#/people/bea`)
  await page.getByRole('heading', { name: 'Bea', level: 1 }).waitFor()
  await page.route('**/export', (route) => route.abort())
  await page.route('**/console/sign-out', (route) => route.abort())
  await page.getByRole('button', { name: 'Export' }).click()
  await page.getByRole('alert').getByText('The server does not answer').waitFor()
  expect(await page.getByText('asked again by itself').count()).toBe(0)
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('status').getByText('Not signed out').waitFor()
})

test('while a slow server has not answered, nothing else can be pressed in its place', async () => {
  const { page } = here.at
  const send_at = new Date(Date.now() + 3_600_000).toISOString()
  const json = { to: { users: ['nobody'] }, title: 'Held', send_at }
  const { body } = await here.world.operator('POST', '/api/notifications', { json })
  await page.goto(`${here.world.server.url}/console#/notifications/${body.notification_id as string}`)
  let answer = (): void => {}
  const answered = new Promise<void>((done) => (answer = done))
  await page.route('**/pause', async (route) => (await answered, route.continue()))
  await page.getByRole('button', { name: 'Pause' }).click()
  await until('both to wait', async () => (await page.locator('.hero button:disabled').count()) === 2)
  answer()
  await page.getByRole('button', { name: 'Resume' }).waitFor()
  await until('both to be back', async () => (await page.locator('.hero button:disabled').count()) === 0)
})

test('a slow server is not asked again before it has answered', async () => {
  const { page } = here.at
  await send('Slowly')
  let [flying, most, asked] = [0, 0, 0]
  await page.clock.install()
  await page.route('**/api/notifications?*', async (route) => {
    asked += 1
    most = Math.max(most, ++flying)
    await new Promise((done) => setTimeout(done, 150))
    flying -= 1
    await route.continue()
  })
  await here.at.open('Notifications')
  await page.getByRole('link', { name: 'Slowly' }).waitFor()
  const before = asked
  for (let n = 0; n < 10; n++) await page.clock.runFor(2_000)
  await until('the last answer', () => flying === 0 && asked > before)
  expect(most).toBe(1)
})

test('what is still awaited is told to everybody, and what does not come as well', async () => {
  const { page } = here.at
  const id = await send('Without reasons')
  let answer = (_status: number): void => {}
  const status = new Promise<number>((done) => (answer = done))
  await page.route('**/reasons', async (route) => route.fulfill({ status: await status, json: { error: 'It failed' } }))
  await page.goto(`${here.world.server.url}/console#/notifications/${id}`)
  await page.locator('[aria-busy=true]').first().waitFor()
  await page.getByText('Payload').waitFor()
  expect(await page.locator('[aria-busy=true]').count()).toBe(1)
  expect(await here.at.seriousFaults()).toEqual([])
  answer(500)
  await page.getByRole('alert').getByText('It failed').waitFor()
  expect(await page.locator('[aria-busy=true]').count()).toBe(0)
})

test('a long list has no hole, whatever comes in above it meanwhile', async () => {
  const { page } = here.at
  const made: string[] = []
  const make = async (many: number) => {
    for (let n = 0; n < many; n++) made.unshift(await send(`Number ${made.length}`))
  }
  const rows = page.locator('.row .what a')
  const shown = async () => (await rows.allTextContents()).filter((title) => title.startsWith('Number'))
  await make(40)
  await here.at.open('Notifications')
  await until('a page', async () => (await rows.count()) === 30)
  await page.route('**/api/notifications?*before=*', (route) => route.abort(), { times: 1 })
  await page.getByRole('button', { name: 'Show older ones' }).click()
  await page.getByText('The server does not answer').waitFor()
  await page.getByRole('button', { name: 'Try again' }).click()
  await until('the older ones', async () => (await shown()).length === 40)
  expect(await page.getByText('The server does not answer').count()).toBe(0)
  await make(5)
  await until('the new ones', async () => (await shown())[0] === 'Number 44')
  expect(await shown()).toEqual(made.map((_, index) => `Number ${made.length - 1 - index}`))
})

test('older ones that are long in coming are there once, also when something new came in above meanwhile', async () => {
  const { page } = here.at
  const made: string[] = []
  const make = async () => made.unshift(await send(`Slow ${made.length}`))
  for (let n = 0; n < 40; n++) await make()
  const rows = page.locator('.row .what a')
  const shown = async () => (await rows.allTextContents()).filter((title) => title.startsWith('Slow'))
  await here.at.open('Notifications')
  await until('a page', async () => (await rows.count()) === 30)
  let answer = (): void => {}
  const answered = new Promise<void>((done) => (answer = done))
  await page.route('**/api/notifications?*before=*', async (route) => (await answered, route.continue()))
  const older = page.getByRole('button', { name: 'Show older ones' })
  await older.click()
  await older.click()
  await make()
  await until('the new one', async () => (await shown())[0] === 'Slow 40')
  answer()
  await until('the older ones', async () => (await shown()).at(-1) === 'Slow 0')
  expect(await shown()).toEqual(made.map((_, index) => `Slow ${made.length - 1 - index}`))
})

test('a time that is not of today has its day, and one of another year its year', async () => {
  const { page } = here.at
  const token = await here.world.user('ana', { username: 'Ana' }).register()
  const id = await send('Of last week', { users: ['ana'] })
  await here.world.drain()
  await here.world.sql(`update belfry.notifications set created_at = created_at - interval '6 days' where id = $1`, [
    id,
  ])
  await here.world.sql(
    `update belfry.token_events set at = at - interval '400 days' where push_token_id = (
       select id from belfry.push_tokens where token = $1)`,
    [token],
  )
  await page.goto(`${here.world.server.url}/console#/explain/ana/${id}`)
  const steps = page.locator('.steps li')
  const timeOf = (words: string) => steps.filter({ hasText: words }).locator('time').textContent()
  const year = new Date(Date.now() - 400 * 86_400_000).getFullYear()
  expect(await timeOf('Registered')).toMatch(new RegExp(`^\\d+ [A-Z][a-z]+ ${year}$`))
  expect(await timeOf('was made')).toMatch(/^\d+ [A-Z][a-z]+, \d\d:\d\d:\d\d$/)
  expect(await timeOf('Expo')).toMatch(/^\d\d:\d\d:\d\d$/)
})

test('numbers that are old are not shown as if they were new', async () => {
  const { page } = here.at
  await here.world.audience(300)
  await here.world.expo.plan({ latencyMs: 60_000 })
  const id = await send('On its way', 'everyone')
  for (const address of ['now', `notifications/${id}`]) {
    await page.goto(`${here.world.server.url}/console#/${address}`)
    await page.locator('.stats').waitFor()
    const old = page.getByText('What stands here is old')
    expect(await old.count()).toBe(0)
    await here.world.server.kill9()
    await old.waitFor()
    expect(await here.at.seriousFaults()).toEqual([])
    await here.world.restart()
    await old.waitFor({ state: 'detached' })
  }
  await here.world.operator('POST', `/api/notifications/${id}/cancel`)
  await here.world.expo.plan({ latencyMs: 0 })
})
