/** What is seen: the edges of what can be written in, and words from outside that would say something else. */
import { expect, test } from 'vitest'
import { until } from '../kit/guard.ts'
import { hereAtConsole } from './kit.ts'

const here = hereAtConsole()

/** What the light of a colour is to that of another one, as WCAG reckons it. */
function contrast(one: string, other: string): number {
  const light = (color: string) => {
    const [red = 0, green = 0, blue = 0] = color.match(/[\d.]+/g)!.map((part) => {
      const value = Number(part) / 255
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const [bright, dark] = [light(one), light(other)].toSorted((a, b) => b - a) as [number, number]
  return (bright + 0.05) / (dark + 0.05)
}

interface Field {
  name: string
  edge: string
  inside: string
  around: string
}

const FIELDS = `[...document.querySelectorAll('input:not([type=checkbox]), select, textarea')].map((field) => {
  const style = getComputedStyle(field)
  const painted = (of) => {
    const { backgroundColor } = getComputedStyle(of)
    return backgroundColor === 'rgba(0, 0, 0, 0)' && of.parentElement ? painted(of.parentElement) : backgroundColor
  }
  return {
    name: field.closest('label').textContent,
    edge: style.borderTopColor,
    inside: style.backgroundColor,
    around: painted(field.parentElement),
  }
})`

test.for(['light', 'dark'] as const)('in the %s, every field has an edge that is seen', async (colorScheme) => {
  const { page } = here.at
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
  for (const name of ['Compose', 'People', 'Audit', 'Keys']) {
    await here.at.open(name)
    await page.getByRole('heading', { level: 1, name }).waitFor()
    if (name === 'Compose') await page.getByText('Data and options').click()
    if (name === 'Keys') await page.getByRole('button', { name: 'Create a key' }).click()
    const fields = await until('its fields', async () => {
      const all = await page.evaluate<Field[]>(FIELDS)
      return all.length > 0 && all
    })
    for (const { name: field, edge, inside, around } of fields) {
      expect(contrast(edge, inside), `${field}: ${edge} on ${inside}`).toBeGreaterThanOrEqual(3)
      expect(contrast(edge, around), `${field}: ${edge} on ${around}`).toBeGreaterThanOrEqual(3)
    }
  }
})

test('what turns the direction of writing around is shown, and turns nothing around', async () => {
  const { page } = here.at
  const RLO = '\u202e'
  const PDI = '\u2069'
  // With what ends an isolation, and then turns around what follows.
  const id = `eve${PDI}${RLO}moc`
  const eve = here.world.user(id, { username: `Eve${PDI}${RLO}eno on` })
  await eve.register({ app_version: `1${RLO}2` })
  await eve.call('PUT', `/api/topics/${encodeURIComponent(`a${RLO}b`)}/subscription`)
  await here.world.operator('POST', '/api/operator/keys', { json: { name: `Shop${RLO}`, scopes: ['send'] } })
  const sent = await here.world.operator('POST', '/api/notifications', { json: { to: { users: [id] }, title: 'Hi' } })
  await here.world.operator('GET', `/api/operator/users/${encodeURIComponent(id)}/export`)
  await eve.message('bob', 'Hello')
  await here.world.drain()
  const notification = sent.body.notification_id as string
  const person = encodeURIComponent(id)
  for (const [address, shown] of [
    [`people/${person}`, 'Eve⟨U+2069⟩⟨U+202E⟩eno on'],
    [`explain/${person}/${notification}`, 'eve⟨U+2069⟩⟨U+202E⟩moc'],
    ['people', 'Eve⟨U+2069⟩⟨U+202E⟩eno on'],
    ['keys', 'Shop⟨U+202E⟩'],
    ['audit', 'eve⟨U+2069⟩⟨U+202E⟩moc'],
  ] as const) {
    await page.goto(`${here.world.server.url}/console#/${address}`)
    if (address === 'people') await page.getByRole('searchbox').fill('eve')
    await page.getByText(shown).first().waitFor()
    await until('all of it', async () => (await page.locator('[aria-busy=true]').count()) === 0)
    expect(await page.locator('main').textContent()).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/)
    expect(await page.title()).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/)
  }
  await page.goto(`${here.world.server.url}/console#/people/${person}`)
  await page.getByRole('button', { name: 'Erase…' }).click()
  await page.getByLabel(/^Type/).fill('eve⟨U+2069⟩⟨U+202E⟩moc')
  await page.getByRole('button', { name: 'Erase for good' }).click()
  await page.getByRole('heading', { name: 'Erased' }).waitFor()
})
