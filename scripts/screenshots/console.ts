/** The console's pages: those that stand still first, then those of a broadcast under way, while it lasts. */
import type { Page } from 'playwright-core'
import { until } from '../../test/kit/guard.ts'
import { OPERATOR_KEY } from '../../test/kit/server.ts'
import { type Camera, DESK, PHONE, type Window } from './camera.ts'
import type { Club } from './club.ts'
import { fewOf, makeHistory, type Past } from './history.ts'

export async function pictureConsole(camera: Camera, club: Club): Promise<void> {
  const past = await makeHistory(club)
  await club.startAnew()
  const desk = await signedIn(camera, club, DESK)
  await still(camera, club, desk, past)
  // The same session on a phone.
  const [byDay, byNight] = await Promise.all(
    [false, true].map((dark) => camera.open(`${club.url}/console`, { ...PHONE, dark, like: desk })),
  )
  await underWay(camera, club, past, { desk, byDay: byDay!, byNight: byNight! })
}

async function signedIn(camera: Camera, club: Club, window: Window): Promise<Page> {
  const page = await camera.open(`${club.url}/console`, window)
  await page.getByLabel('Operator key').fill(OPERATOR_KEY)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByText('Live', { exact: true }).waitFor()
  return page
}

/** Goes there and waits until everything is. */
async function show(page: Page, address: string, heading: string): Promise<void> {
  await page.evaluate(`location.hash = '#/${address}'`)
  await page.getByRole('heading', { level: 1, name: heading }).waitFor()
  await until('what it loads', async () => (await page.locator('[aria-busy=true]').count()) === 0)
  await page.mouse.move(0, 0)
}

const words = {
  title: 'Storm on Sunday: we start at nine',
  body: 'An hour later than planned, and on the short loop. Bring something dry to change into.',
}

async function still(camera: Camera, club: Club, page: Page, { missed }: Past): Promise<void> {
  await show(page, 'alarms', 'Alarms')
  await camera.take(page, 'console-alarms')
  await show(page, 'keys', 'Keys')
  await camera.take(page, 'console-keys')
  await show(page, 'people/ana.fischer', 'Ana Fischer')
  await camera.take(page, 'console-person')
  await show(page, `explain/tom.becker/${missed}`, 'Tom Becker')
  await camera.take(page, 'console-explain')
  await show(page, 'compose', 'Compose')
  await write(page)
  await page.getByRole('button', { name: 'Send it', disabled: false }).waitFor()
  await camera.take(page, 'console-compose')
}

async function write(page: Page): Promise<void> {
  await page.getByLabel('Title').fill(words.title)
  await page.getByLabel('Body').fill(words.body)
}

interface Pages {
  desk: Page
  byDay: Page
  byNight: Page
}

async function underWay(camera: Camera, club: Club, past: Past, { desk, byDay, byNight }: Pages): Promise<void> {
  await someTrouble(club)
  const tomorrow = new Date(new Date().setUTCHours(18, 0, 0, 0) + 86_400_000).toISOString()
  const pasta = { title: 'Carbs tonight', body: 'Pasta at the clubhouse, from seven.' }
  await club.send({ to: { topic: 'sunday-run' }, ...pasta, send_at: tomorrow })
  const shoes = { title: 'Shoe test on Thursday', body: 'Twelve models, all sizes. From five at the track.' }
  const paused = await club.send({ to: 'everyone', ...shoes })
  await come(club, paused, 0.2)
  await club.call('POST', `/api/notifications/${paused}/pause`)
  const id = await club.send({ to: 'everyone', ...words })
  await come(club, id, 0.25)
  const place = { title: 'Your place is confirmed', body: 'Half marathon, 14 March.' }
  await club.send({ to: { users: await some(club) }, ...place }, past.bookings)
  await show(desk, `notifications/${id}`, words.title)
  await show(byDay, `notifications/${id}`, words.title)
  await desk.getByText('MessageRateExceeded').first().waitFor()
  await come(club, id, 0.44)
  await camera.take(desk, 'console-notification')
  const phones = [await byDay.screenshot()]
  await show(desk, 'notifications', 'Notifications')
  await come(club, id, 0.6)
  await camera.take(desk, 'console-notifications')
  await Promise.all([show(desk, 'now', 'Now'), show(byNight, 'now', 'Now')])
  await come(club, id, 0.8)
  await camera.take(desk, 'console-now')
  phones.push(await byNight.screenshot())
  await show(byNight, `explain/tom.becker/${past.missed}`, 'Tom Becker')
  phones.push(await byNight.screenshot())
  await camera.takeTogether('console-phone', phones)
  await show(desk, 'audit', 'Audit')
  await camera.take(desk, 'console-audit')
}

/** A few of what Expo, Apple and Google say every day. */
async function someTrouble(club: Club): Promise<void> {
  const codes = async (which: number, code: string) =>
    Object.fromEntries((await fewOf(club, 600, which)).map((token) => [token, code]))
  await club.call('PATCH', '/sandbox/api/faults', {
    ticketErrors: { ...(await codes(2, 'MessageRateExceeded')), ...(await codes(3, 'DeviceNotRegistered')) },
    receiptErrors: await codes(4, 'ProviderError'),
  })
}

/** Until so much of it is settled. */
const come = (club: Club, id: string, share: number) =>
  until(`${share} of it`, async () => {
    const { totals, estimated } = await club.look(id)
    return totals.targeted - totals.pending >= share * estimated
  })

async function some(club: Club): Promise<string[]> {
  const rows = await club.sql("select id from belfry.users where id like 'mia.%' order by id limit 140")
  return (rows as { id: string }[]).map(({ id }) => id)
}
