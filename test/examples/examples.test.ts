/** The examples for other backends run, and the pages about them show exactly what runs. */
import { execFile, execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { until } from '../kit/guard.ts'
import { openWorld, type World } from '../kit/world.ts'

const project = join(import.meta.dirname, '..', '..')
const read = (path: string) => readFileSync(join(project, path), 'utf8')

test.each([
  ['docs/from-fastapi.md', 'examples/fastapi', 'python'],
  ['docs/from-node.md', 'examples/node', 'js'],
])('%s shows the files of %s as they are', (page, folder, language) => {
  const shown = [...read(page).matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms'))].map(
    ([, block]) => block,
  )
  const files = readdirSync(join(project, folder)).filter((name) => /\.(py|mjs)$/.test(name))
  expect(shown.toSorted()).toEqual(files.map((name) => read(join(folder, name))).toSorted())
})

test('what a backend adds on its side is under 20 lines', () => {
  for (const file of ['examples/fastapi/belfry.py', 'examples/node/belfry.mjs'])
    expect(read(file).trimEnd().split('\n').length, file).toBeLessThan(20)
  const [triggers = ''] = read('docs/from-supabase.md').split('```sql\n')[1]!.split('```')
  expect(triggers.trimEnd().split('\n').length).toBeLessThan(20)
})

let world: World
let env: NodeJS.ProcessEnv
beforeAll(async () => {
  world = await openWorld({ database: 'pglite' })
  const json = { name: 'examples', scopes: ['send', 'users'] }
  const { body } = await world.operator<{ secret: string }>('POST', '/api/operator/keys', { json })
  env = { PATH: process.env.PATH, BELFRY_URL: world.server.url, BELFRY_KEY: body.secret }
})
beforeEach(() => world.expo.reset())
afterAll(() => world?.close())

async function run(program: string, args: string[], more: NodeJS.ProcessEnv = {}): Promise<string> {
  return (await promisify(execFile)(program, args, { env: { ...env, ...more } })).stdout.trim()
}

/** What a phone has got, once it is so many. */
async function heard(phone: string, count: number) {
  await until(`${count} pushes to ${phone}`, async () => (await world.expo.pushes(phone)).length >= count)
  await world.drain()
  return (await world.expo.pushes(phone)).map((push) => push.message)
}

/** What would be rung for them. */
async function activeOf(user: string) {
  const path = `/api/operator/tokens?whole=true&user=${encodeURIComponent(user)}`
  const { body } = await world.operator<{ tokens: { push_token: string; active: boolean }[] }>('GET', path)
  return body.tokens.filter(({ active }) => active).map(({ push_token }) => push_token)
}

test.skipIf(!hasPython())('the FastAPI example rings', async () => {
  const path = [join(project, 'examples', 'fastapi'), join(import.meta.dirname, 'stand-in')]
  const more = { PYTHONPATH: path.join(delimiter), PYTHONDONTWRITEBYTECODE: '1' }
  const said = JSON.parse(await run('python3', [join(import.meta.dirname, 'drive.py')], more)) as Record<
    string,
    unknown
  >[]
  expect(said.map((one) => one.success)).toEqual(Array.from({ length: 9 }, () => true))
  const rung = (await heard('ExponentPushToken[py-Ben]', 2)).toSorted((a, b) =>
    String(a.title).localeCompare(String(b.title)),
  )
  expect(rung).toMatchObject([
    {
      title: '💬 New Message',
      body: 'Ana: Hello',
      data: { message_id: '8', message_type: 'text', sender_id: 'ana', screen: 'messages' },
      channelId: 'default',
    },
    { title: 'New Reflection from Ana', body: 'Rain', data: { post_id: '7', screen: 'post_detail' }, sound: 'default' },
  ])
  expect(await heard('ExponentPushToken[py-Ana]', 0)).toEqual([])
  expect(await activeOf('ana')).not.toContain('ExponentPushToken[py-Ana]')
})

test('the Node example rings, once', async () => {
  const script = (name: string) => join(project, 'examples', 'node', name)
  const registered = 'Push token registered successfully'
  for (const [user, token] of [['ana', 'node-ana'] as const, ['bén', 'node-ben'] as const])
    expect(await run(process.execPath, [script('device.mjs'), user, `ExponentPushToken[${token}]`])).toBe(registered)
  const first = await run(process.execPath, [script('post.mjs')])
  expect(await run(process.execPath, [script('post.mjs')])).toBe(first)
  const old = 'ExponentPushToken[node-bens-old]'
  expect(await run(process.execPath, [script('device.mjs'), 'bén', old])).toBe(registered)
  expect(await run(process.execPath, [script('device.mjs'), 'bén', old, 'out'])).toBe('Push token removed')
  expect(await activeOf('bén')).toEqual(['ExponentPushToken[node-ben]'])
  const title = 'New Reflection from ana'
  expect(await heard('ExponentPushToken[node-ben]', 1)).toMatchObject([{ title, data: { post_id: '42' } }])
  expect(await heard('ExponentPushToken[node-ana]', 0)).toEqual([])
  const wrong = run(process.execPath, [script('post.mjs')], { BELFRY_KEY: 'blf_wrong' })
  await expect(wrong).rejects.toThrow('The bearer token is not valid')
})

/** Python 3.9 or newer. */
function hasPython(): boolean {
  try {
    execFileSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 9))'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
