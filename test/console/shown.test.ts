/** What is seen: the edges of what can be written in. */
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
