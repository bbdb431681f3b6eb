/** The documents are true: settings, links, and every command that a newcomer pastes. */
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { parseEnv, promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from './kit/guard.ts'
import { type Server, startServer, temporaryFolder } from './kit/server.ts'
import { curls } from './requirements/documents.ts'

const project = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(project, path), 'utf8')
const readme = read('README.md')
const pages = ['', 'docs', 'client', 'examples/expo-app'].flatMap((folder) =>
  readdirSync(join(project, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name)),
)

function section(title: string): string {
  const found = readme.split(/^## /m).find((part) => part.startsWith(`${title}\n`))
  if (found === undefined) throw new Error(`the README has no section "${title}"`)
  return found
}

describe("the README's table of settings", () => {
  const rows = [...section('Settings').matchAll(/^\| `([A-Z_]+)` \| (.+?) \| .+ \|$/gm)]
  const told = new Map(rows.map(([, name = '', shown = '']) => [name, shown]))
  const example = read('.env.example')

  test('names what config.ts knows, and what .env.example lists', () => {
    const known = [...read('src/config.ts').matchAll(/^ {2}([A-Z][A-Z_]+): /gm)].map(([, name = '']) => name)
    expect([...told.keys()].toSorted()).toEqual(known.filter((name) => name !== 'NODE_ENV').toSorted())
    expect([...told.keys()].toSorted()).toEqual(
      [...example.matchAll(/^# ([A-Z_]+)=/gm)].map(([, name = '']) => name).toSorted(),
    )
  })

  test('has the defaults of .env.example', () => {
    const defaults = parseEnv(example.replaceAll(/^# (?=[A-Z_]+=)/gm, ''))
    const wrong = [...told].filter(([name, shown]) => shown !== 'none' && !shown.startsWith(`\`${defaults[name]}\``))
    expect(wrong).toEqual([])
  })

  test('says "none" only where config.ts knows no default', () => {
    const optional = [...read('src/config.ts').matchAll(/^ {2}([A-Z][A-Z_]+): .*\.optional\(\),$/gm)]
    const names = optional.map(([, name = '']) => name)
    expect([...told].filter(([name, shown]) => shown === 'none' && !names.includes(name))).toEqual([])
  })
})

describe.each(pages)('%s', (page) => {
  const text = read(page)

  test('has no dead link', () => {
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link)
    const dead = links.filter((link) => !/^[a-z]+:/.test(link) && !leadsSomewhere(page, link))
    expect(dead).toEqual([])
  })

  test('names only files that are there', () => {
    const named = [...text.matchAll(/`((?:src|test|scripts|docs)\/[\w./-]+)`/g)].map(([, path = '']) => path)
    expect(named.filter((path) => !existsSync(join(project, path)))).toEqual([])
  })

  test('says of a file only that it has what is there', () => {
    const pairs = [...text.matchAll(/`(\w+)` in `(src\/[\w./-]+\.ts)`/g)].map(([, name = '', path = '']) => ({
      name,
      path,
    }))
    expect(pairs.filter(({ name, path }) => !new RegExp(`\\b${name}\\b`).test(read(path)))).toEqual([])
  })
})

function leadsSomewhere(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? page : join(dirname(page), path)
  if (!existsSync(join(project, target))) return false
  return anchor === undefined || headings(read(target)).includes(anchor)
}

/** As GitHub makes anchors of them. */
function headings(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

describe.each(curls)("the README's commands, with %s", (curl) => {
  const [tokens = '', ...blocks] = shellBlocks(section('With curl'))
  let server: Server
  let folder = ''
  let bearer: Record<string, string> = {}

  beforeAll(async () => {
    // As `npm start` does it: the secrets are made, nothing is set.
    folder = temporaryFolder()
    server = await startServer({ folder, env: { JWT_SECRET: undefined, OPERATOR_KEY: undefined } })
    const { stdout } = await run(`${tokens}\necho "$ALICE $BOB"`)
    const [ALICE = '', BOB = ''] = stdout.trim().split(' ')
    bearer = { ALICE, BOB }
  })
  afterAll(async () => {
    await server?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  /** In the project's folder, as the README says; only the port is another one. */
  function run(block: string) {
    const path =
      curl === 'curl'
        ? process.env.PATH
        : `${join(project, 'test', 'requirements', 'stand-in')}${delimiter}${process.env.PATH}`
    const DATA_DIR = join(folder, 'data')
    const env = { ...process.env, ...bearer, PATH: path, NODE: process.execPath, DATA_DIR, PORT: String(server.port) }
    const script = block.replaceAll('http://127.0.0.1:8787', server.url)
    return promisify(execFile)('/bin/sh', ['-ec', script], { cwd: project, env })
  }
  const answerOf = async (block = '') => JSON.parse((await run(block)).stdout) as Record<string, unknown>

  test('work as they are pasted, one after the other', async () => {
    expect(blocks).toHaveLength(7)
    const [alicesPhone, bobsPhone, post, look, message, testPush, testToken] = blocks
    const registered = { success: true, message: 'Push token registered successfully' }
    expect(await answerOf(alicesPhone)).toEqual(registered)
    expect(await answerOf(bobsPhone)).toEqual(registered)
    expect(await answerOf(post)).toMatchObject({ success: true, post: { user_id: 'bob', title: 'Test' } })

    const heard = await until('the post to be heard', async () => {
      const { strangers } = (await answerOf(look)) as { strangers: { tokens: number; latest: object[] } }
      return strangers.tokens > 0 && strangers.latest
    })
    const phone = 'ExponentPushToken[alices-phone]'
    expect(heard).toEqual([{ token: phone, title: 'New Reflection from Bob', notifications: 1 }])

    expect(await answerOf(message)).toMatchObject({
      success: true,
      message: { sender_id: 'alice', receiver_id: 'bob' },
    })
    await server.untilLogged('🔔 Push notification sent to user bob')
    expect(await answerOf(testPush)).toMatchObject({ success: true, sent: 1, mode: 'sandbox' })
    expect(await answerOf(testToken)).toMatchObject({ data: [{ status: 'ok' }] })
  })
})

function shellBlocks(text: string): string[] {
  return [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block)
}
