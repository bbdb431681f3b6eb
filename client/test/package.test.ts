/** What an app installs: built from here, small, free of Node, and whole. */
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { beforeAll, expect, test } from 'vitest'

const client = join(import.meta.dirname, '..')
const run = promisify(execFile)
const MOST_BYTES = 8 * 1024

const dist = join(client, 'dist')
beforeAll(async () => {
  // publint and attw run inside, and fail the build.
  await run(process.execPath, [join(client, '../node_modules/tsdown/dist/run.mjs')], { cwd: client })
}, 60_000)

const scripts = () => readdirSync(dist).filter((name) => name.endsWith('.js'))
const textOf = (name: string) => readFileSync(join(dist, name), 'utf8')

test('at most 8 KB compressed', () => {
  const bytes = scripts().reduce((sum, name) => sum + gzipSync(textOf(name), { level: 9 }).length, 0)
  expect(bytes).toBeGreaterThan(1_000)
  expect(bytes).toBeLessThanOrEqual(MOST_BYTES)
})

test('imports nothing but what an Expo app brings, and all of that may be missing', () => {
  const manifest = JSON.parse(readFileSync(join(client, 'package.json'), 'utf8')) as {
    dependencies?: object
    peerDependencies: Record<string, string>
    peerDependenciesMeta: Record<string, { optional?: boolean }>
  }
  const peers = Object.keys(manifest.peerDependencies)
  const all = scripts().flatMap((name) => [...textOf(name).matchAll(/(?:from|import)\s*\(?\s*["'`]([^"'`]+)["'`]/g)])
  const imported = [...new Set(all.map(([, name]) => name!))].filter((name) => !name.startsWith('./'))
  expect(imported.toSorted()).toEqual(peers.toSorted())
  expect(manifest.dependencies).toBeUndefined()
  expect(peers.filter((name) => manifest.peerDependenciesMeta[name]?.optional !== true)).toEqual([])
})

test('the types stand for themselves', () => {
  const types = readdirSync(dist).filter((name) => name.endsWith('.d.ts'))
  expect(types).toContain('index.d.ts')
  const all = types.map(textOf).join('\n')
  const imported = [...all.matchAll(/(?:from |import\()["']([^"']+)["']/g)].map(([, name]) => name)
  expect([...new Set(imported)]).toEqual(['react'])
  expect(all).toContain('interface PushTokenRegistration')
})

test('npm packs what it should', async () => {
  const npm = ['pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=error']
  const { stdout } = await run('npm', npm, { cwd: client })
  const [packed] = Object.values(JSON.parse(stdout) as Record<string, { files: { path: string }[] }>)
  const paths = packed!.files.map(({ path }) => path)
  expect(paths).toEqual(expect.arrayContaining(['README.md', 'package.json', 'dist/index.js', 'dist/index.d.ts']))
  expect(paths.filter((path) => !/^(README\.md|package\.json|LICENSE|dist\/.*)$/.test(path))).toEqual([])
})
