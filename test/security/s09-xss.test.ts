/** S9: what strangers write is text, on every page of the console and of the sandbox; the browser has nothing to complain of. */
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { openBrowser } from '../kit/chromium.ts'
import { until } from '../kit/guard.ts'
import { mintToken, OPERATOR_KEY } from '../kit/server.ts'
import { openWorld, type World } from '../kit/world.ts'

/** Each ends a text in another way, and begins something that would run, load or leave the page. */
const XSS = `"><img src=x onerror=hacked=1><script>hacked=1</script><svg/onload=hacked=1>'-hacked=1-'\`{{7*7}}<base href=//evil.example>`
/** Where few characters are allowed. */
const SHORT = `"><img/src=x/onerror=hacked=1>`
const WEBHOOK_SECRET = 'a-webhook-secret-that-only-the-tests-know'
const MARK = 'onerror=hacked'

let browser: Browser
let context: BrowserContext
let page: Page
let complaints: string[]
const worlds: World[] = []
beforeAll(async () => {
  browser = await openBrowser()
})
beforeEach(async () => {
  context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    locale: 'en-GB',
    reducedMotion: 'reduce',
  })
  page = await context.newPage()
  complaints = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('dialog', (dialog) => void complaints.push(`a dialog: ${dialog.message()}`))
  page.on('console', (message) => {
    if (/Content Security Policy|Refused to/i.test(message.text())) complaints.push(message.text())
  })
  page.on('request', (request) => {
    if (!/^(http:\/\/127\.0\.0\.1|data:|blob:)/.test(request.url())) complaints.push(`asked for ${request.url()}`)
  })
})
afterEach(() => context.close())
afterAll(async () => {
  await browser?.close()
  for (const world of worlds) await world.close()
})

async function open(env: Record<string, string | undefined>, database: 'pglite' | 'postgres'): Promise<World> {
  const world = await openWorld({
    database,
    env: { RECEIPT_DELAY_MS: '200', SUPABASE_WEBHOOK_SECRET: WEBHOOK_SECRET, ...env },
  })
  worlds.push(world)
  return world
}

/** Nothing ran, nothing of it became an element, and the policy was not even asked. */
async function isHarmless(where: string): Promise<void> {
  const hacked = await page.evaluate('globalThis.hacked')
  const elements = await page
    .locator('img[src="x"], svg[onload], [onerror], script:not([src]), base[href*="evil"]')
    .count()
  expect({ where, hacked, elements, complaints }).toEqual({ where, hacked: undefined, elements: 0, complaints: [] })
}

/** @param shows whether something of what strangers wrote stands there. */
async function look(address: string, shows = true): Promise<void> {
  await page.goto(address)
  await page.waitForLoadState('load')
  await page.locator('#main').waitFor()
  if (shows) await page.getByText(MARK).first().waitFor({ timeout: 15_000 })
  else await until('what it waits for', async () => (await page.locator('[aria-busy=true]').count()) === 0)
  await isHarmless(address)
}

/** Every field that is stored, by the way in which it comes in. */
async function write(world: World): Promise<{ id: string; user: string }> {
  const evil = world.user(`e${SHORT}`, { username: XSS })
  const token = `ExponentPushToken[${SHORT.replaceAll(/[[\]]/g, '')}]`
  await world.expo.plan({ ticketCodes: { [token]: XSS } })
  const device = { installation_id: SHORT, project_id: SHORT, locale: SHORT, time_zone: SHORT, app_version: SHORT }
  await evil.register({ push_token: token, device_type: 'ios', ...device })
  await evil.call('PUT', `/api/topics/${encodeURIComponent(SHORT)}/subscription`)
  await evil.call('PUT', '/api/users/me/mutes', { json: { kinds: ['post'] } })
  await evil.post({ title: XSS, text_content: XSS, content_type: SHORT })
  await evil.message(evil, XSS)
  const record = {
    id: 1,
    sender_id: SHORT,
    receiver_id: evil.id,
    message_type: 'text',
    content: XSS,
    title: XSS,
    user_id: SHORT,
  }
  for (const table of ['messages', 'posts'])
    await world.call('POST', '/hooks/supabase', {
      headers: { 'x-webhook-secret': WEBHOOK_SECRET },
      json: { type: 'INSERT', table, schema: 'public', record, old_record: null },
    })
  await world.operator('POST', '/api/operator/keys', { json: { name: XSS.slice(0, 100), scopes: ['send'] } })
  const json = {
    to: { users: [evil.id] },
    except: [SHORT],
    title: XSS,
    body: XSS,
    data: { [XSS]: XSS },
    options: {
      channelId: SHORT,
      subtitle: XSS,
      sound: SHORT,
      categoryId: SHORT,
      richContent: { image: 'https://evil.example/x.png' },
    },
  }
  const { body, status, text } = await world.operator('POST', '/api/notifications', { json })
  expect([status, text.slice(0, 200)]).toEqual([202, expect.any(String)])
  await world.operator('POST', '/api/notifications', { json: { ...json, to: { topic: SHORT }, except: undefined } })
  await world.drain()
  return { id: body.notification_id as string, user: encodeURIComponent(evil.id) }
}

test('S9: every page of the console shows it as text', async () => {
  const world = await open({}, 'postgres')
  const { id, user } = await write(world)
  // What no request can write is written into the tables: an alarm's detail, and somebody's entry in the audit.
  await world.sql(
    `insert into belfry.alarms (kind, project, detail) values ('flood', '${SHORT.replaceAll("'", "''")}', '{}')`,
  )
  const key = await world.operator<{ keys: { id: string }[] }>('GET', '/api/operator/keys')
  await world.operator('DELETE', `/api/operator/keys/${key.body.keys[0]!.id}`)
  const at = (hash: string) => `${world.server.url}/console#/${hash}`
  await page.goto(`${world.server.url}/console`)
  await page.getByLabel('Operator key').fill(OPERATOR_KEY)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { level: 1, name: 'Now' }).waitFor()
  const sections = await page
    .getByRole('navigation', { name: 'Sections' })
    .locator('a')
    .evaluateAll((links) => links.map((link) => (link as unknown as { hash: string }).hash.replace('#/', '')))
  expect(sections.length).toBeGreaterThan(5)
  const details = [`notifications/${id}`, `people/${user}`, `explain/${user}/${id}`]
  const bare = ['compose', 'people', 'now']
  for (const address of [...sections, ...details]) await look(at(address), !bare.includes(address))
  await page.goto(at('people'))
  await page.getByRole('searchbox').fill('e">')
  await page.getByText(MARK).first().waitFor()
  await isHarmless('people found')
  await page.goto(at('compose'))
  await page.getByLabel('Title').fill(XSS)
  await page.getByLabel('Body').fill(XSS)
  await isHarmless('compose with words')
  for (const odd of [XSS, 'javascript:hacked=1', `notifications/${XSS}`, `people/${XSS}`, `explain/${XSS}/${XSS}`])
    await look(at(encodeURIComponent(odd).replaceAll('%2F', '/')), false)
}, 120_000)

test('S9: the page of the sandbox shows it as text', async () => {
  const world = await open({ EXPO_PUSH_URL: undefined, JWT_SECRET: undefined }, 'pglite')
  const phone = (user: string, platform: string, state: string) =>
    world.call<{ phone: { id: string } }>('POST', '/sandbox/api/phones', {
      json: { platform, user, userName: SHORT, state },
    })
  for (const [platform, state] of [
    ['ios', 'locked'],
    ['android', 'open'],
    ['ios', 'background'],
    ['android', 'closed'],
  ])
    expect((await phone(`u${platform}${state}${SHORT}`, platform!, state!)).status).toBe(201)
  await page.goto(`${world.server.url}/sandbox`)
  const { body } = await world.call<{ token: string }>(
    'GET',
    `/sandbox/api/token?user=eve&name=${encodeURIComponent(SHORT)}`,
  )
  const bearer = { token: body.token ?? mintToken('eve', { username: SHORT }) }
  const known = await until('the phones to have registered', async () => {
    const { body: shelf } = await world.call<{
      phones: { pushToken?: string; push_token?: string; token?: string; user: string }[]
    }>('GET', '/sandbox/api/phones')
    return shelf.phones.length === 4 && shelf.phones
  })
  for (const { user } of known) {
    const mine = await world.call<{ token: string }>(
      'GET',
      `/sandbox/api/token?user=${encodeURIComponent(user)}&name=${encodeURIComponent(SHORT)}`,
    )
    const token = known
      .map((one) => one.pushToken ?? one.push_token ?? one.token ?? '')
      .find((one, n) => one !== '' && known[n]!.user === user)
    await world.call('POST', '/api/users/push-token', {
      token: mine.body.token,
      json: { push_token: token, device_type: 'ios' },
    })
  }
  await world.call('POST', '/api/users/push-token', {
    ...bearer,
    json: { push_token: 'ExponentPushToken[<img/src=x/onerror=hacked=1>]', device_type: 'ios' },
  })
  const say = { title: XSS, text_content: XSS, content_type: 'note' }
  await world.call('POST', '/api/posts/', { ...bearer, json: say })
  await world.operator('POST', '/api/notifications', {
    json: {
      to: 'everyone',
      title: XSS,
      body: XSS,
      data: { screen: `javascript:hacked=1`, url: XSS },
      options: { subtitle: XSS, channelId: SHORT, sound: SHORT },
    },
  })
  await page.locator('.card', { hasText: MARK }).first().waitFor({ timeout: 20_000 })
  await isHarmless('the sandbox, ringing')
  await page.reload()
  await page.locator('.card', { hasText: MARK }).first().waitFor()
  await page.locator('.card', { hasText: MARK }).first().click()
  await isHarmless('the sandbox, after a tap')
}, 120_000)
