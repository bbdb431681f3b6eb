/** .env.example lists every setting there is, and tells the truth about the defaults. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { expect, test } from 'vitest'
import { readConfig } from '../src/config.ts'

const project = join(import.meta.dirname, '..')
const text = readFileSync(join(project, '.env.example'), 'utf8')
const shown = parseEnv(text.replaceAll(/^# (?=[A-Z_]+=)/gm, ''))

/** Shown with an example, because there is no default, or because it depends on others. */
const examples = [
  'DATABASE_URL',
  'TEXTS_FILE',
  'JWKS_URL',
  'EXPO_PUSH_URL',
  'RECEIPT_DELAY_MS',
  'OPEN_TEST_PUSH',
  'CORS_ORIGINS',
]

test('it lists every setting, and no other', () => {
  const source = readFileSync(join(project, 'src', 'config.ts'), 'utf8')
  const settings = [...source.matchAll(/^ {2}([A-Z][A-Z_]+): /gm)].map((match) => match[1]!)
  expect(settings.length).toBeGreaterThan(20)
  expect(Object.keys(shown).toSorted()).toEqual(settings.filter((name) => name !== 'NODE_ENV').toSorted())
})

test('the defaults in it are the defaults', () => {
  const folder = import.meta.dirname
  const defaults = Object.entries(shown).filter(([name]) => !examples.includes(name))
  expect(readConfig(Object.fromEntries(defaults), folder)).toEqual(readConfig({}, folder))
})

test('the whole of it, with all marks taken off, is a valid .env', () => {
  const folder = import.meta.dirname
  const { JWKS_URL: _, TEXTS_FILE: __, ...rest } = shown
  expect(readConfig(rest, folder).settings.mode).toBe('expo')
})
