/** The law of rooms: where code may stand and what it may know. kit/rooms.ts holds it as data. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  beside,
  circles,
  forbiddenImports,
  parseSource,
  readSources,
  roomOf,
  rooms,
  SCREEN_LINES,
} from './kit/rooms.ts'

const project = join(import.meta.dirname, '..')
const MOST_ENTRIES = 15
const sources = readSources(join(project, 'src'))
const ours = sources.filter((file) => !file.path.endsWith('.test.ts'))

describe('the law of rooms', () => {
  test('every room has somebody in it', () => {
    const empty = Object.keys(rooms).filter((name) => !sources.some((file) => roomOf(file.path) === name))
    expect(empty).toEqual([])
  })

  test('imports only go down, and packages stay where they belong', () => {
    expect(sources.flatMap(forbiddenImports)).toEqual([])
  })

  test('only config.ts reads the environment', () => {
    const readers = ours.filter((file) => file.path !== 'config.ts' && file.readsEnvironment.length > 0)
    expect(readers.map((file) => `${file.path}:${file.readsEnvironment.join(',')}`)).toEqual([])
  })

  test('no SQL outside store', () => {
    const writers = ours.filter((file) => roomOf(file.path) !== 'store' && file.taggedSql.length > 0)
    expect(writers.map((file) => `${file.path}:${file.taggedSql.join(',')}`)).toEqual([])
  })

  test('no file over 300 lines', () => {
    const lines = (file: { text: string }) => file.text.trimEnd().split('\n').length
    const long = ours.filter((file) => lines(file) > 300)
    expect(long.map((file) => `${file.path}: ${lines(file)}`)).toEqual([])
  })

  test('nobody knows each other round about, files and folders alike', () => {
    expect(circles(ours)).toEqual([])
  })

  test('no folder with more entries than the eye takes in', () => {
    const entries = new Map<string, Set<string>>()
    for (const { path } of ours) {
      const names = path.split('/')
      names.slice(1).forEach((name, at) => {
        const folder = names.slice(0, at + 1).join('/')
        entries.set(folder, (entries.get(folder) ?? new Set()).add(name))
      })
    }
    const full = [...entries].filter(([, names]) => names.size > MOST_ENTRIES)
    expect(full.map(([folder, names]) => `${folder}: ${names.size}`)).toEqual([])
  })

  test('no function longer than a screen', () => {
    expect(ours.flatMap((file) => file.longFunctions.map((f) => `${file.path}:${f.line}: ${f.lines} lines`))).toEqual(
      [],
    )
  })

  test.for(Object.entries(beside))('%s stands beside: it knows itself and its packages', ([folder, packages]) => {
    const files = readSources(join(project, folder))
    expect(files.length).toBeGreaterThan(0)
    const foreign = (name: string) => !/^\.\.?\/(?!.*\.\.\/\.\.)/.test(name) && !packages.includes(name.split('/')[0]!)
    expect(files.flatMap((file) => file.imports.filter(foreign).map((name) => `${file.path}: ${name}`))).toEqual([])
    expect(files.filter((file) => file.text.split('\n').length > 301).map((file) => file.path)).toEqual([])
    expect(files.flatMap((file) => file.longFunctions.map((f) => `${file.path}:${f.line}: ${f.lines} lines`))).toEqual(
      [],
    )
  })

  test('the fake Expo knows nothing of ours, so that its ledger can judge us', () => {
    const fake = readSources(join(project, 'test/kit/fake-expo')).filter((file) => !file.path.endsWith('.test.ts'))
    expect(fake.length).toBeGreaterThan(0)
    const foreign = fake.flatMap((file) => file.imports.filter((name) => !/^(node:|\.\/)/.test(name)))
    expect(foreign).toEqual([])
  })

  test('no marks of unfinished work, no test left out or left alone', () => {
    const marks = /\b(TO[D]O|FIX[M]E|XX[X]|HA[C]K)\b|not [i]mplemented|\.(only|skip|todo)[(]/
    const files = ['src', 'test', 'scripts', 'bench'].flatMap((folder) => filesUnder(join(project, folder)))
    const found = files.flatMap((file) =>
      readFileSync(file, 'utf8')
        .split('\n')
        .flatMap((line, at) => (marks.test(line) ? [`${file}:${at + 1}: ${line.trim()}`] : [])),
    )
    expect(found).toEqual([])
  })
})

describe('the reader of the law', () => {
  const faults = (path: string, text: string) => forbiddenImports(parseSource(path, text))

  test('sees imports upwards, sideways, of types, of packages, and files in no room', () => {
    expect(faults('store/users.ts', "import type { A } from '../api/a.ts'")).toHaveLength(1)
    expect(faults('api/a.ts', "export * from '../delivery/b.ts'")).toHaveLength(1)
    expect(faults('api/a.ts', "const b = await import('../sandbox/b.ts')")).toHaveLength(1)
    expect(faults('api/a.ts', "let b: import('../expo/b.ts').B")).toHaveLength(1)
    expect(faults('delivery/a.ts', "import { request } from 'undici'")).toHaveLength(1)
    expect(faults('store/users.ts', "import { PgBoss } from 'pg-boss'")).toHaveLength(1)
    expect(faults('domain/a.ts', "import { join } from 'node:path'")).toHaveLength(1)
    expect(faults('helpers.ts', '')).toEqual(['helpers.ts is in no room'])
    expect(faults('api/a.ts', "import { a } from '../store/users'")).toHaveLength(1)
    expect(faults('delivery/a.ts', "import { a } from '../store/users.ts'\nimport './b.ts'")).toEqual([])
  })

  test('sees circles of files, and of folders', () => {
    const file = (path: string, ...imports: string[]) => ({ ...parseSource(path, ''), imports })
    expect(circles([file('a/b.ts', './c.ts', '../d.ts'), file('a/c.ts', 'd'), file('d.ts')])).toEqual([])
    expect(circles([file('a/b.ts', './c.ts'), file('a/c.ts', './b.ts')])).toEqual(['a: b.ts -> c.ts -> b.ts'])
    const folders = [
      file('a/b/c.ts', '../d/e.ts'),
      file('a/d/e.ts'),
      file('a/d/f.ts', '../g.ts'),
      file('a/g.ts', './b/h.ts'),
    ]
    expect(circles(folders)).toEqual(['a: b -> d -> g.ts -> b'])
  })

  test('sees the environment and SQL, and does not mistake words for them', () => {
    expect(parseSource('a.ts', '// process.env\nconst a = `process.env`').readsEnvironment).toEqual([])
    expect(parseSource('a.ts', "\nf(process.env.A)\nprocess['env']").readsEnvironment).toEqual([2, 3])
    expect(
      parseSource('a.ts', "const { env } = process\nimport { env as e } from 'node:process'").readsEnvironment,
    ).toEqual([1, 2])
    expect(parseSource('a.ts', 'const b = sql<Row>`select 1`\nconst c = sql`x`').taggedSql).toEqual([1, 2])
    expect(parseSource('a.ts', `function f() {${'\n'.repeat(SCREEN_LINES)}}`).longFunctions).toHaveLength(1)
  })
})

function filesUnder(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => join(folder, path))
}
