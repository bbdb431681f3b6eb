/**
 * The law of rooms as data, and the reading of source files that it needs. Imports only go down; two rooms on one
 * floor do not know each other; what is not listed here is forbidden.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { parseAst } from 'vitest/node'

export interface Room {
  /** Which files under src it is: a folder (`store/`), or files by name without ending (`app`). */
  place: string | string[]
  /** The other rooms it may import from. */
  may: string[]
  /** The npm packages it may import. */
  packages: string[]
  /** Whether it may import Node's own modules, that is, do anything but think. */
  node: boolean
}

const everyRoom = [
  'domain',
  'ports',
  'store',
  'expo',
  'delivery',
  'api',
  'sandbox',
  'config',
  'log',
  'commands',
  'app',
  'metrics',
  'tracing',
  'foreground',
]

export const rooms: Record<string, Room> = {
  domain: { place: 'domain/', may: [], packages: [], node: false },
  ports: { place: ['ports'], may: ['domain'], packages: [], node: false },
  store: {
    place: 'store/',
    may: ['domain', 'ports'],
    packages: ['kysely', 'pg', '@electric-sql/pglite', 'pg-boss'],
    node: true,
  },
  expo: { place: 'expo/', may: ['domain', 'ports'], packages: ['undici'], node: true },
  delivery: { place: 'delivery/', may: ['domain', 'ports', 'store'], packages: [], node: true },
  api: {
    place: 'api/',
    may: ['domain', 'ports', 'store'],
    packages: [
      'fastify',
      '@fastify/cors',
      '@fastify/formbody',
      '@fastify/helmet',
      '@fastify/rate-limit',
      '@fastify/static',
      '@fastify/swagger',
      '@fastify/swagger-ui',
      'fastify-type-provider-zod',
      'zod',
      'jose',
    ],
    node: true,
  },
  sandbox: {
    place: 'sandbox/',
    may: [],
    packages: ['fastify', '@fastify/static', '@fastify/formbody', '@fontsource/noto-color-emoji', 'zod', 'undici'],
    node: true,
  },
  config: {
    place: [
      'config',
      'config/contradictions',
      'config/doubts',
      'config/env-file',
      'config/fault',
      'config/places',
      'config/tracing',
      'config/values',
      'secrets',
    ],
    may: ['domain'],
    packages: ['zod'],
    node: true,
  },
  metrics: { place: 'metrics/', may: ['domain', 'ports', 'store'], packages: ['prom-client'], node: true },
  tracing: {
    place: ['tracing'],
    may: ['ports', 'config'],
    packages: [
      '@opentelemetry/api',
      '@opentelemetry/exporter-trace-otlp-http',
      '@opentelemetry/resources',
      '@opentelemetry/sdk-trace',
    ],
    node: false,
  },
  foreground: { place: ['foreground'], may: ['ports'], packages: [], node: false },
  log: { place: ['log'], may: ['domain', 'ports', 'config'], packages: ['pino'], node: true },
  commands: { place: 'commands/', may: everyRoom, packages: ['commander', 'jose', 'cli-progress'], node: true },
  app: { place: ['app'], may: everyRoom, packages: ['fastify', '@fastify/helmet'], node: true },
  cli: { place: ['cli'], may: everyRoom, packages: ['commander'], node: true },
}

/** The rooms beside, which none of the others knows: what their files may import, besides each other. */
export const beside: Record<string, string[]> = { 'console/src': ['preact'] }

/** Packages that even their own room keeps in one place. */
const onlyIn: Record<string, string[]> = { 'pg-boss': ['store/queue/queue.ts'] }

/** What the tests beside their subject may use more: these packages, and the kit. */
const forTests = ['vitest', 'fast-check', 'expo-server-sdk']

/** What one file says that the law is about. */
export interface SourceFile {
  /** Relative to src, with forward slashes. */
  path: string
  text: string
  imports: string[]
  /** What only some rooms may say, by the lines it stands on. */
  readsEnvironment: number[]
  taggedSql: number[]
  longFunctions: { line: number; lines: number }[]
}

interface Node {
  type: string
  start: number
  end: number
  [key: string]: unknown
}

export const SCREEN_LINES = 60
const FUNCTIONS = ['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']

export function readSources(root: string): SourceFile[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.tsx?$/.test(path) && !path.endsWith('.d.ts'))
    .toSorted()
    .map((path) => parseSource(path.replaceAll('\\', '/'), readFileSync(join(root, path), 'utf8')))
}

export function parseSource(path: string, text: string): SourceFile {
  const file: SourceFile = { path, text, imports: [], readsEnvironment: [], taggedSql: [], longFunctions: [] }
  const lineOf = (at: number) => text.slice(0, at).split('\n').length
  walk(parseAst(text, { lang: path.endsWith('.tsx') ? 'tsx' : 'ts' }) as unknown as Node, (node) => {
    if (node.source) file.imports.push(word((node.source as Node).value))
    if (isEnvironment(node)) file.readsEnvironment.push(lineOf(node.start))
    if (node.type === 'TaggedTemplateExpression' && tagName(node) === 'sql') file.taggedSql.push(lineOf(node.start))
    if (FUNCTIONS.includes(node.type)) {
      const lines = text.slice(node.start, node.end).split('\n').length
      if (lines > SCREEN_LINES) file.longFunctions.push({ line: lineOf(node.start), lines })
    }
  })
  file.imports = [...new Set(file.imports.filter((name) => name !== ''))]
  return file
}

const word = (value: unknown): string => (typeof value === 'string' ? value : '')

function walk(node: Node, visit: (node: Node) => void): void {
  visit(node)
  for (const value of Object.values(node))
    for (const child of Array.isArray(value) ? value : [value])
      if (child && typeof child === 'object' && typeof (child as Node).type === 'string') walk(child as Node, visit)
}

/** `process.env`, `process['env']`, or `env` taken out of node:process. */
function isEnvironment(node: Node): boolean {
  if (node.type === 'MemberExpression') {
    const object = node.object as Node
    const property = node.property as Node
    return object.name === 'process' && (property.name === 'env' || property.value === 'env')
  }
  if (node.type === 'ImportDeclaration' && /^(node:)?process$/.test(word((node.source as Node).value)))
    return (node.specifiers as Node[]).some((specifier) => (specifier.imported as Node | undefined)?.name === 'env')
  if (node.type === 'VariableDeclarator' && (node.init as Node | null)?.name === 'process')
    return ((node.id as Node).properties as Node[] | undefined)?.some((p) => (p.key as Node).name === 'env') ?? false
  return false
}

/** `sql` also of `sql<Row>` and of `sql.raw`-like members. */
function tagName(node: Node): string {
  let tag = node.tag as Node
  while (tag.type === 'MemberExpression' || tag.type === 'TSInstantiationExpression')
    tag = (tag.object ?? tag.expression) as Node
  return word(tag.name)
}

export function roomOf(path: string): string | undefined {
  return Object.keys(rooms).find((name) => {
    const { place } = rooms[name]!
    return typeof place === 'string' ? path.startsWith(place) : place.includes(path.replace(/(\.test)?\.ts$/, ''))
  })
}

/** Every import of the file that the law does not allow, in a sentence each. */
export function forbiddenImports(file: SourceFile): string[] {
  const name = roomOf(file.path)
  if (name === undefined) return [`${file.path} is in no room`]
  const room = rooms[name]!
  const isTest = file.path.endsWith('.test.ts')
  const faults = file.imports.map((target) => {
    if (target.startsWith('node:')) return room.node || isTest ? null : `Node's ${target}`
    if (target.startsWith('.')) return faultOfOurs(file.path, target, name, room, isTest)
    const npm = target.split('/', target.startsWith('@') ? 2 : 1).join('/')
    if (isTest && forTests.includes(npm)) return null
    if (!room.packages.includes(npm)) return `the package ${npm}`
    return (onlyIn[npm]?.includes(file.path) ?? true) ? null : `${npm}, which only ${onlyIn[npm]!.join(', ')} may`
  })
  return faults.filter((fault) => fault !== null).map((fault) => `${file.path} (${name}) imports ${fault}`)
}

/**
 * Circles: what stands in one folder, files and folders alike, and knows each other round about.
 * @returns each as `folder: a -> b -> a`.
 */
export function circles(files: SourceFile[]): string[] {
  const known = new Map<string, Map<string, Set<string>>>()
  for (const { path, imports } of files) {
    for (const target of imports.filter((name) => name.startsWith('.'))) {
      const [from, to] = [path.split('/'), join(dirname(path), target).replaceAll('\\', '/').split('/')]
      const at = from.findIndex((name, index) => name !== to[index])
      if (at < 0) continue
      const folder = from.slice(0, at).join('/')
      const inside = known.get(folder) ?? new Map<string, Set<string>>()
      known.set(folder, inside.set(from[at]!, (inside.get(from[at]!) ?? new Set()).add(to[at]!)))
    }
  }
  return [...known].flatMap(([folder, inside]) => {
    const circle = circleIn(inside)
    return circle ? [`${folder || 'src'}: ${circle.join(' -> ')}`] : []
  })
}

function circleIn(inside: Map<string, Set<string>>): string[] | undefined {
  const sound = new Set<string>()
  const search = (way: string[]): string[] | undefined => {
    const here = way.at(-1)!
    if (sound.has(here)) return undefined
    if (way.indexOf(here) < way.length - 1) return way.slice(way.indexOf(here))
    for (const next of inside.get(here) ?? []) {
      const circle = search([...way, next])
      if (circle) return circle
    }
    sound.add(here)
    return undefined
  }
  return inside
    .keys()
    .map((name) => search([name]))
    .find((circle) => circle !== undefined)
}

function faultOfOurs(path: string, target: string, name: string, room: Room, isTest: boolean): string | null {
  if (!/\.(ts|json)$/.test(target)) return `${target}, which does not end in .ts`
  const full = normalize(join(dirname(path), target)).replaceAll('\\', '/')
  if (full === '../package.json') return null
  if (isTest && full.startsWith('../test/kit/')) return null
  if (full.startsWith('..')) return `${target}, which is outside src`
  const other = roomOf(full)
  if (other === name || (other !== undefined && room.may.includes(other))) return null
  return `${target} (${other ?? 'in no room'})`
}
