/**
 * The image without Docker: its one step, run in a clean folder, and what that made, started as a production server by
 * an account without rights.
 */
import { execFile } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import manifest from '../package.json' with { type: 'json' }
import { call } from './kit/call.ts'
import { copyContext } from './kit/context.ts'
import { type FakeExpo, startFakeExpo } from './kit/expo.ts'
import { freePort } from './kit/guard.ts'
import { accountWithoutRights, reachableByOthers } from './kit/postgres.ts'
import { environment, mintToken, OPERATOR_KEY, type Server, startServer } from './kit/server.ts'

const run = promisify(execFile)
const project = join(import.meta.dirname, '..')
/** On an idle machine it takes 20 s; a registry may be slow, and so may a machine that many share. */
const BUILD_MS = 900_000

const folder = mkdtempSync(join(tmpdir(), 'belfry-image-'))
const out = join(folder, 'belfry')
/** Node of the image is the first on its PATH, with npm beside it. */
const PATH = `${dirname(process.execPath)}${delimiter}${process.env.PATH}`

beforeAll(async () => {
  chmodSync(folder, 0o755)
  copyContext(join(folder, 'project'))
  const env = { ...process.env, PATH, NODE_ENV: '', npm_config_prefer_offline: 'true' }
  await run('/bin/sh', [join(folder, 'project', 'deploy', 'build.sh'), out], { env, cwd: folder })
}, BUILD_MS)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const filesOf = (path: string) => readdirSync(path, { recursive: true, encoding: 'utf8' })

describe('what is in the image', () => {
  test('every production package and the console; no package for development, no test, no second Node', () => {
    const { node: _, ...wanted } = manifest.dependencies
    const missing = Object.keys(wanted).filter((name) => !existsSync(join(out, 'node_modules', name, 'package.json')))
    expect(missing).toEqual([])
    const unwanted = [...Object.keys(manifest.devDependencies), ...Object.keys(manifest.optionalDependencies), 'node']
    expect(unwanted.filter((name) => existsSync(join(out, 'node_modules', name)))).toEqual([])
    expect(existsSync(join(out, 'console', 'dist', 'index.html'))).toBe(true)
    expect(filesOf(join(out, 'src')).filter((path) => path.endsWith('.test.ts'))).toEqual([])
    expect(readdirSync(out).toSorted()).toEqual([
      '.cache',
      'LICENSE',
      'console',
      'deploy',
      'node_modules',
      'package.json',
      'src',
    ])
  })

  test('and nothing beside it: what it was made from is as it was', () => {
    expect(readdirSync(folder).toSorted()).toEqual(['belfry', 'project'])
    expect(existsSync(join(folder, 'project', 'node_modules'))).toBe(false)
  })
})

describe('in production', () => {
  let server: Server
  let expo: FakeExpo
  const home = join(folder, 'home')
  const env = { NODE_ENV: 'production', HOST: '0.0.0.0' }

  beforeAll(async () => {
    mkdirSync(home)
    const as = accountForIt()
    if (as) chownSync(home, as.uid, as.gid)
    expo = await startFakeExpo()
    const port = await freePort()
    const more = { ...env, EXPO_PUSH_URL: expo.sendUrl }
    server = await startServer({ program: out, folder: home, port, as, env: more })
  })
  afterAll(async () => {
    await server?.kill9()
    await expo?.close()
  })

  /** What the image's HEALTHCHECK says. */
  const healthcheck = (more: Record<string, string> = {}) =>
    run(process.execPath, [join(out, 'deploy', 'healthcheck.ts')], {
      env: environment(home, server.port, { ...env, ...more }),
    }).then(
      () => 0,
      (error: { code: number }) => error.code,
    )

  test('it is ready, says how it runs, and its health check agrees', async () => {
    const { status, body } = await call('GET', `${server.url}/readyz`)
    expect([status, body]).toMatchObject([200, { status: 'ready', mode: 'expo', database: 'ok' }])
    expect((await call('GET', `${server.url}/console`)).text).toContain('/console/assets/')
    expect(await healthcheck()).toBe(0)
    expect(await healthcheck({ PORT: String(await freePort()) })).toBe(1)
    expect(await healthcheck({ PORT: '1', ROLE: 'worker' })).toBe(0)
    expect(await healthcheck({ PORT: '1', ROLE: 'worker', WORKER_PORT: String(server.port) })).toBe(0)
    expect(await healthcheck({ ROLE: 'worker', WORKER_PORT: '1' })).toBe(1)
  })

  test('the operator signs in, a phone registers, and a message reaches Expo', async () => {
    const json = { key: OPERATOR_KEY }
    const signedIn = await call('POST', `${server.url}/console/sign-in`, { json, headers: { origin: server.url } })
    expect(signedIn.status).toBe(200)
    const phone = { push_token: 'ExponentPushToken[of-the-image]', device_type: 'ios' }
    const registered = await call('POST', `${server.url}/api/users/push-token`, {
      token: mintToken('ben'),
      json: phone,
    })
    expect(registered.status).toBe(200)
    const message = { receiver_id: 'ben', message_type: 'text', content: 'Are you there?' }
    const sent = await call('POST', `${server.url}/message/send-message`, { token: mintToken('ana'), json: message })
    expect(sent.status).toBe(200)
    await expo.untilTaken(1)
    expect(await expo.pushes(phone.push_token)).toHaveLength(1)
  })

  test('SIGTERM ends it with 0, and then its health check says so', async () => {
    expect(await server.stop()).toBe(0)
    expect(await healthcheck()).toBe(1)
  })
})

test('the Dockerfile does just that: this script, the Node that is tested, an account without rights, a volume', () => {
  const lines = readFileSync(join(project, 'Dockerfile'), 'utf8').split('\n')
  const words = (verb: string) =>
    lines.flatMap((line) => (line.startsWith(`${verb} `) ? [line.slice(verb.length + 1)] : []))
  expect(words('ARG')).toEqual([`NODE_VERSION=${manifest.dependencies.node}`])
  expect(words('RUN')[0]).toMatch(/ sh deploy\/build\.sh \/belfry$/)
  expect(words('COPY')).toEqual(['. .', '--from=build /belfry /belfry'])
  expect(words('USER')).toEqual(['node'])
  expect(words('VOLUME')).toEqual(['/data'])
  expect(words('STOPSIGNAL')).toEqual(['SIGTERM'])
  expect(words('CMD')).toEqual(['["belfry", "serve"]'])
  expect(lines.join('\n')).toContain('ln -s /belfry/src/cli.ts /usr/local/bin/belfry')
  expect(words('HEALTHCHECK')[0]).toMatch(/CMD \["node", "\/belfry\/deploy\/healthcheck\.ts"\]$/)
  expect(existsSync(join(out, 'deploy', 'healthcheck.ts'))).toBe(true)
})

/** Root lends it to an account without rights, where that one can reach Node. */
function accountForIt(): { uid: number; gid: number } | undefined {
  return process.getuid?.() === 0 && reachableByOthers(process.execPath) ? accountWithoutRights() : undefined
}
