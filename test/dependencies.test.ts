/** docs/dependencies.md gives a reason for every production package, and for no other; each of them is really used. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import manifest from '../package.json' with { type: 'json' }
import lock from '../package-lock.json' with { type: 'json' }

const project = join(import.meta.dirname, '..')
const page = readFileSync(join(project, 'docs', 'dependencies.md'), 'utf8')

interface Locked {
  dev?: boolean
  optional?: boolean
  devOptional?: boolean
  link?: boolean
  hasInstallScript?: boolean
}
const locked = Object.entries(lock.packages as Record<string, Locked>).filter(([path]) =>
  path.startsWith('node_modules/'),
)

function rowsOf(title: string): string[][] {
  const text = page.split(/^## /m).find((part) => part.startsWith(`${title}\n`)) ?? ''
  return [...text.matchAll(/^\| `([^`]+)` \| (.+) \|$/gm)].map(([, name = '', rest = '']) => [
    name,
    ...rest.split(' | '),
  ])
}

test('every production package has a reason, and every reason its package', () => {
  const rows = rowsOf('Production')
  expect(rows.map(([name]) => name)).toEqual(Object.keys(manifest.dependencies))
  expect(rows.filter((cells) => cells.length !== 5 || cells.some((cell) => cell.trim() === ''))).toEqual([])
})

test('every production package is used by the program', () => {
  const files = readdirSync(join(project, 'src'), { recursive: true, encoding: 'utf8' })
  const source = files
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
    .map((path) => readFileSync(join(project, 'src', path), 'utf8'))
    .join('\n')
  const isUsed = (name: string) => new RegExp(`(from |import\\(|resolve\\()'${name}['/]`).test(source)
  expect(Object.keys(manifest.dependencies).filter((name) => name !== 'node' && !isUsed(name))).toEqual([])
})

test('the count of all of them is the one that is told', () => {
  const production = locked.filter(([, one]) => !(one.dev || one.optional || one.devOptional || one.link))
  expect(page).toContain(`there are ${production.length} packages in the lockfile`)
})

test('the install scripts are those that are told, and those that npm may run', () => {
  const told = rowsOf('Install scripts').map(([name]) => name)
  expect(told).toEqual(Object.keys(manifest.allowScripts))
  const production = locked.filter(([, one]) => one.hasInstallScript && !one.dev && !one.optional)
  expect(production.map(([path]) => path)).toEqual(['node_modules/node'])
})
