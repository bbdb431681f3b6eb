/** A sabotage whose place has changed would be found out only by the run that takes most of an hour. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sabotages } from './sabotage.ts'

const project = join(import.meta.dirname, '..', '..')

test.for(sabotages.map((one) => [one.id, one] as const))(
  '%s finds its place and its test',
  ([, { file, find, test: of }]) => {
    const text = readFileSync(join(project, file), 'utf8')
    expect([find].flat().some((piece) => text.includes(piece))).toBe(true)
    if (of.endsWith('.ts')) expect(existsSync(join(project, of))).toBe(true)
  },
)
