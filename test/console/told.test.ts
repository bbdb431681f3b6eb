/** What the console tells of a notification's end and of a search is what happened: no more, and no less. */
import { describe, expect, test } from 'vitest'
import { until } from '../kit/guard.ts'
import { hereAtConsole } from './kit.ts'

const AUDIENCE = 4_000

const here = hereAtConsole({
  env: { EXPO_RATE_LIMIT: '600', RECEIPT_DELAY_MS: '300' },
  prepare: (world) => world.audience(AUDIENCE),
})

interface Seen {
  state: string
  final: boolean
  totals: Record<'targeted' | 'pending' | 'accepted' | 'cancelled' | 'expired' | 'not_reached', number>
}
const look = async (id: string) =>
  (await here.world.operator<{ notification: Seen }>('GET', `/api/notifications/${id}`)).body.notification

async function send(json: object): Promise<string> {
  const { body } = await here.world.operator('POST', '/api/notifications', { json })
  return body.notification_id as string
}

/** The heading of its page and the words beside it, once nothing about it changes any more. */
async function toldOf(id: string) {
  const seen = await until('its end', async () => {
    const one = await look(id)
    return one.totals.pending === 0 && one.state !== 'sending' && one.state !== 'queued' && one
  })
  await here.at.page.goto(`${here.world.server.url}/console#/notifications/${id}`)
  const hero = here.at.page.locator('.hero')
  await hero.waitFor()
  await until('the numbers', async () => (await hero.getByRole('progressbar').count()) === 1)
  const reached = seen.totals.targeted - seen.totals.cancelled - seen.totals.expired
  return {
    seen,
    reached,
    big: await hero.locator('.big').textContent(),
    beside: await hero.locator('.big + *').textContent(),
    bar: await hero.getByRole('progressbar').getAttribute('aria-valuenow'),
  }
}

describe('the page of a notification', () => {
  test('that was cancelled: how far it had come, and not that all is done', async () => {
    const id = await send({ to: 'everyone', title: 'To be cancelled' })
    await until('a third of it', async () => (await look(id)).totals.accepted > AUDIENCE / 3)
    await here.world.operator('POST', `/api/notifications/${id}/cancel`)
    const { seen, reached, big, beside, bar } = await toldOf(id)
    expect(seen.state).toBe('cancelled')
    expect(seen.totals.not_reached + seen.totals.cancelled).toBeGreaterThan(0)
    const share = Math.floor((100 * reached) / AUDIENCE)
    expect(big).toBe(`Cancelled at ${share} %`)
    expect(beside).toBe(`${reached.toLocaleString('en-GB')} of 4,000 devices reached`)
    expect(bar).toBe(String(share))
    expect(await here.at.seriousFaults()).toEqual([])
  })

  test('whose time was over: the same', async () => {
    const id = await send({ to: 'everyone', title: 'To expire' })
    await until('a third of it', async () => (await look(id)).totals.accepted > AUDIENCE / 3)
    await here.world.sql('update belfry.notifications set expires_at = belfry.clock() where id = $1', [id])
    const { seen, reached, big, beside } = await toldOf(id)
    expect(seen.state).toBe('expired')
    expect(big).toBe(`Expired at ${Math.floor((100 * reached) / AUDIENCE)} %`)
    expect(beside).toBe(`${reached.toLocaleString('en-GB')} of 4,000 devices reached`)
  })

  test('that was cancelled before it began: nobody was reached', async () => {
    const id = await send({ to: 'everyone', title: 'Never', send_at: new Date(Date.now() + 3_600_000).toISOString() })
    await here.world.operator('POST', `/api/notifications/${id}/cancel`)
    const { big, beside } = await toldOf(id)
    expect([big, beside]).toEqual(['Cancelled', 'none of 4,000 devices reached'])
  })

  test('for somebody without a device: that nothing was sent, and why', async () => {
    const id = await send({ to: { users: ['without-a-device'] }, title: 'For nobody' })
    const { big, beside } = await toldOf(id)
    expect([big, beside]).toEqual(['Not sent', 'no device'])
    await here.at.page.getByText('Nothing was sent.').waitFor()
  })

  test('that was cancelled when some had muted it: they were not reached', async () => {
    const muted = here.world.user('crowd-11')
    await muted.call('PUT', '/api/users/me/mutes', { json: { kinds: ['notify'] } })
    const id = await send({ to: { users: ['crowd-11', 'crowd-12'] }, title: 'Muted by one' })
    await until('its receipts', async () => (await look(id)).final)
    await here.world.sql(`update belfry.notifications set state = 'cancelled' where id = $1`, [id])
    expect((await toldOf(id)).beside).toBe('1 of 2 devices reached')
    await muted.call('PUT', '/api/users/me/mutes', { json: { kinds: [] } })
  })

  test('whose answers were lost: how many of them, in the list as well', async () => {
    await here.world.expo.plan({ next: ['garbage'] })
    const id = await send({ to: { users: ['crowd-1', 'crowd-2'] }, title: 'Who knows', onUnknown: 'drop' })
    await toldOf(id)
    await here.at.page.getByText('they may have rung, or not').waitFor()
    expect(await here.at.page.getByText('No refusals').count()).toBe(0)
    await here.at.open('Notifications')
    const row = here.at.page.locator('.row').filter({ hasText: 'Who knows' })
    await row.getByText('0 of 2 accepted, 2 unknown').waitFor()
  })

  test('that is finished: all of it', async () => {
    const id = await send({ to: { users: ['crowd-1', 'crowd-2'] }, title: 'For two' })
    const { big, beside, bar } = await toldOf(id)
    expect([big, beside, bar]).toEqual(['100 %', '2 devices done', '100'])
  })
})

test('a number that is to be typed can be, whatever digits the browser writes by itself', async () => {
  const { page } = here.at
  const storageState = await page.context().storageState()
  const there = await page.context().browser()!.newContext({ storageState, locale: 'ar-EG' })
  try {
    const other = await there.newPage()
    await other.goto(`${here.world.server.url}/console#/compose`)
    await other.getByLabel('Title').fill('To all of them')
    await other.getByRole('button', { name: 'Send it', disabled: false }).click()
    await other.getByLabel(/^Type/).fill(String(AUDIENCE))
    const yes = other.getByRole('dialog').getByRole('button', { name: /^Send to/ })
    expect(await yes.isEnabled()).toBe(true)
  } finally {
    await there.close()
  }
})

test('in a window of any width the list says what each notification is', async () => {
  const { page } = here.at
  const title = 'Doors open at nine'
  await send({ to: { users: ['crowd-1'] }, title })
  await here.at.open('Notifications')
  const row = page.locator('.row').filter({ hasText: title })
  for (const width of [1440, 1024, 900, 800, 390]) {
    await page.setViewportSize({ width, height: 900 })
    const { width: seen } = (await row.getByRole('link').boundingBox())!
    expect(seen, `of the title at ${width}`).toBeGreaterThan(150)
    const isCut = await row.evaluate((it) => {
      const { scrollWidth, clientWidth } = it as unknown as Record<'scrollWidth' | 'clientWidth', number>
      return scrollWidth > clientWidth
    })
    expect(isCut, `the row at ${width}`).toBe(false)
  }
})

test('a person with many devices: how many of them heard it, and what it was', async () => {
  const { page } = here.at
  await here.world.sql(
    `insert into belfry.push_tokens (user_id, token, device_type)
     select 'crowd-7', 'ExponentPushToken[crowd-7-' || n || ']', 'ios' from generate_series(1, 59) n`,
  )
  await toldOf(await send({ to: { users: ['crowd-7'] }, title: 'To sixty' }))
  await page.goto(`${here.world.server.url}/console#/people/crowd-7`)
  const row = page.locator('.inside > li').filter({ hasText: 'To sixty' })
  await row.getByText('60 × Handed over').waitFor()
  expect(await row.locator('.badge').count()).toBe(1)
})

describe('what keeps notifications from going out', () => {
  test('that one project is held back, and until when: not that all are, nor that it is tried when nothing is due', async () => {
    const { page } = here.at
    await here.world.sql(
      `insert into belfry.pace (project, breaker_until, breaker_reason, breaker_opens)
       values ('@acme/staff', now() - interval '1 minute', '15 of the last 30 requests to Expo failed', 1)`,
    )
    await here.at.open('Now')
    const banner = page.locator('.banner.bad')
    await banner.getByText('Sending to project @acme/staff is held back').waitFor()
    await banner.getByText('tried again with the next that is due').waitFor()
    await page.locator('.stat.bad').getByText('for 1 project').waitFor()
    await banner.click()
    await page.getByText('it is tried again with the next that is due').waitFor()
    await here.world.sql(`delete from belfry.pace where project = '@acme/staff'`)
  })

  test('that they wait, when nobody sends them', async () => {
    const { page } = here.at
    const reasons = [
      { code: 'credentials', sentence: 'An app is refused' },
      { code: 'direct_late', sentence: 'Direct notifications wait for 99 s' },
    ]
    await page.route('**/readyz', (route) => route.fulfill({ json: { status: 'degraded', reasons } }))
    await page.reload()
    const banner = page.locator('.banner.warn')
    await banner.getByText('Direct notifications wait for 99 s').waitFor()
    await banner.getByText('see that a worker is running').waitFor()
    expect(await banner.count()).toBe(1)
    expect(await here.at.seriousFaults()).toEqual([])
  })
})

describe('a search for people', () => {
  test('that finds more than it shows says so', async () => {
    const { page } = here.at
    const rows = page.locator('.people > li')
    await here.at.open('People')
    await page.getByRole('searchbox').fill('crowd-1')
    await until('a full list', async () => (await rows.count()) === 20)
    await page.getByText('Here are 20. There may be more').waitFor()
    expect(await here.at.seriousFaults()).toEqual([])
    await page.getByRole('searchbox').fill('crowd-399')
    await until('a short one', async () => (await rows.count()) === 11)
    expect(await page.getByText('There may be more').count()).toBe(0)
  })
})
