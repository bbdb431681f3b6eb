/** Every command in the documents is run, as a reader would paste it: page by page, beside a running sandbox server. */
import { spawn } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call } from './kit/call.ts'
import { emptyPglite } from './kit/global-setup.ts'
import { guard } from './kit/guard.ts'
import { mintToken, OPERATOR_KEY, type Server, startServer, temporaryFolder } from './kit/server.ts'
import { curls } from './requirements/documents.ts'

const project = join(import.meta.dirname, '..')
const pages = ['README.md', ...readdirSync(join(project, 'docs')).map((name) => `docs/${name}`)].filter((page) =>
  page.endsWith('.md'),
)

/** Blocks that are not run here, by a piece of them, and why. Each piece must be there. */
const excused: Record<string, [piece: string, why: string][]> = {
  'README.md': [
    ['npm ci && npm start', 'installs and serves: what CI and every story do'],
    ['npm ci && npm test', 'would run this test'],
    ['npm ci\nnpm test', 'would run this test'],
    ['EXPO_PUSH_URL=https', 'serves, and sends to the real Expo'],
    ['DATABASE_URL=postgres:', 'serves, with a database of the reader’s'],
  ],
  'docs/getting-started.md': [['npm ci && npm start', 'installs and serves: what CI and every story do']],
  'docs/real-phones.md': [
    ['eas-cli@latest login', 'needs an account at Expo'],
    ['eas-cli@latest build', 'needs an account at Expo'],
    ['HOST=0.0.0.0', 'serves to the network, and sends to the real Expo'],
  ],
  'docs/from-supabase.md': [['psql "$SUPABASE', 'needs a project at Supabase']],
  'docs/from-fastapi.md': [['mysql --batch', 'needs a MySQL']],
  'docs/scaling.md': [
    ['belfry -- move', 'needs a database of the reader’s; test/stories/move.test.ts moves into one'],
    ['ROLE=api npm start', 'serves until it is stopped; test/reliability runs several processes'],
  ],
  'docs/reliability.md': [['npm run test:reliability', 'takes an hour']],
  'docs/benchmarks.md': [['npm run bench', 'takes minutes, and measures nothing beside tests']],
  'docs/backup.md': [
    ['pg_dump', 'needs the tools of PostgreSQL'],
    ['pg_restore', 'needs the tools of PostgreSQL'],
    ['tar -czf', 'needs a stopped server'],
    ['tar -xzf', 'needs a stopped server'],
    ['ENABLE_PUSH_NOTIFICATIONS=false npm start', 'serves until it is stopped'],
  ],
  'docs/deploy.md': [
    ['sh deploy/build.sh /opt/belfry\nNODE', 'writes outside the project; test/deploy.test.ts runs the script'],
    ['docker build', 'needs Docker'],
    ['docker compose', 'needs Docker'],
    ['systemctl', 'needs systemd'],
    ['/etc/belfry/belfry.env /opt', 'needs what the block before installs'],
    ['fly deploy', 'needs an account at Fly'],
    ['ExponentPushToken[…]', 'rings a real phone'],
  ],
}

function blocksOf(page: string): string[] {
  const text = readFileSync(join(project, page), 'utf8')
  return [...text.matchAll(/^```(?:sh|bash|console)\n(.*?)^```$/gms)].map(([, block = '']) => block)
}

const isExcused = (page: string, block: string): boolean =>
  (excused[page] ?? []).some(([piece]) => block.includes(piece))

test('nothing is excused that is not there', () => {
  const stale = Object.entries(excused).flatMap(([page, list]) =>
    list.filter(([piece]) => !blocksOf(page).some((block) => block.includes(piece))).map(([piece]) => [page, piece]),
  )
  expect(stale).toEqual([])
})

describe('the commands of', () => {
  let server: Server
  let folder = ''
  beforeAll(async () => {
    folder = temporaryFolder()
    // The project's folder as a reader has it, but with data of its own.
    for (const name of ['package.json', 'node_modules', 'src', 'examples', 'client', 'console', 'docs'])
      symlinkSync(join(project, name), join(folder, name))
    mkdirSync(join(folder, 'bin'))
    writeFileSync(join(folder, 'bin', 'curl'), curlThatFails())
    chmodSync(join(folder, 'bin', 'curl'), 0o755)
    const columns = 'id,user_id,expo_token,active,created_at'
    writeFileSync(join(folder, 'push_tokens.csv'), `${columns}\n1,ana,ExponentPushToken[file-1],t,2025-01-01\n`)
    writeFileSync(join(folder, 'push_tokens.tsv'), 'id\tuser_id\ttoken\n1\tben\tExponentPushToken[file-2]\n')
    cpSync(await emptyPglite(), join(folder, 'data', 'pgdata'), { recursive: true })
    server = await startServer({ folder, env: settings })
    // People whom the pages speak of.
    for (const who of ['ada', 'alice']) {
      const json = { push_token: `ExponentPushToken[${who}s-first-phone]`, device_type: 'android' }
      await call('POST', `${server.url}/api/users/push-token`, { token: mintToken(who), json })
    }
    const to = { to: { users: ['ada'] }, title: 'Hello' }
    await call('POST', `${server.url}/api/notifications`, { token: OPERATOR_KEY, json: to })
  })
  afterAll(async () => {
    await server?.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  const SUPABASE_WEBHOOK_SECRET = 'a-webhook-secret-that-only-tests-know'
  const settings = { SUPABASE_WEBHOOK_SECRET }

  const withCommands = pages.filter((page) => blocksOf(page).some((block) => !isExcused(page, block)))
  test.each(withCommands)('%s', async (page) => {
    const blocks = blocksOf(page).filter((block) => !isExcused(page, block))
    const { code, said } = await run(blocks)
    if (code !== 0) throw new Error(`the commands end with ${code}:\n${said}`)
  })

  /** One shell for the page: what a block sets, the next one has. */
  async function run(blocks: string[]): Promise<{ code: number | null; said: string }> {
    const script = blocks
      .map((block) => `echo '--- ${block.split('\n')[0]!.replaceAll("'", '')}' >&2\n${block}`)
      .join('\n')
      .replaceAll('http://127.0.0.1:8787', server.url)
    const env = {
      ...settings,
      OPERATOR_KEY,
      HOME: folder,
      PATH: [join(folder, 'bin'), dirname(process.execPath), process.env.PATH].join(delimiter),
      NODE: process.execPath,
      CURL_FAILS: 'true',
      PORT: String(server.port),
      BELFRY_URL: server.url,
      DATA_DIR: join(folder, 'data'),
      JWT_SECRET: 'a-secret-that-only-the-tests-of-belfry-know',
    }
    const child = spawn('/bin/sh', ['-e'], { cwd: folder, env, stdio: ['pipe', 'pipe', 'pipe'] })
    const release = guard(child.pid!)
    let said = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4_000)))
    child.stdin.end(script)
    const code = await new Promise<number | null>((done) => child.once('close', done))
    release()
    return { code, said }
  }
})

/** An answer that is an error is one for the reader, too. */
function curlThatFails(): string {
  const real = process.env.PATH!.split(delimiter).map((path) => join(path, 'curl'))
  if (curls.includes('curl'))
    return `#!/bin/sh\nfor real in ${real.map((path) => `'${path}'`).join(' ')}; do\n  [ -x "$real" ] && exec "$real" --fail -sS "$@"\ndone\n`
  return `#!/bin/sh\nexec "$NODE" '${join(project, 'test', 'requirements', 'curl.ts')}' "$@"\n`
}
