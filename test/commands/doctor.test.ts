/** `belfry doctor` says what is wrong: every fault is a real one, and it costs nobody a notification. */

import { rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server as HttpServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call } from '../kit/call.ts'
import { type FakeExpo, startFakeExpo } from '../kit/expo.ts'
import { sharedPostgres } from '../kit/global-setup.ts'
import { freePort, until } from '../kit/guard.ts'
import { query } from '../kit/postgres.ts'
import { OPERATOR_KEY, runCommand, type Server, startServer, temporaryFolder } from '../kit/server.ts'
import { openWorld, type World } from '../kit/world.ts'

interface Finding {
  check: string
  verdict: 'fine' | 'warn' | 'fault'
  says: string
  hint?: string
}

let expo: FakeExpo
const servers: HttpServer[] = []
beforeAll(async () => {
  expo = await startFakeExpo()
})
afterAll(async () => {
  for (const server of servers) server.close()
  await expo?.close()
})

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer)
  servers.push(server)
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

type Env = Record<string, string | undefined>

/** What it found, by what was looked at: `verdict: sentence`. */
async function doctor(env: Env, folder?: string) {
  const port = env.PORT ?? String(await freePort())
  const { code, stdout, stderr } = await runCommand(['doctor', '--json'], { env: { ...env, PORT: port }, folder })
  expect(stderr).toBe('')
  const { success, checks } = JSON.parse(stdout) as { success: boolean; checks: Finding[] }
  const isFault = checks.some(({ verdict }) => verdict === 'fault')
  expect([code, success]).toEqual(isFault ? [1, false] : [0, true])
  for (const { verdict, hint } of checks) if (verdict === 'fault') expect(hint ?? 'none').not.toBe('')
  const told = (check: string) =>
    checks.filter((one) => one.check === check).map(({ verdict, says }) => `${verdict}: ${says}`)
  const hint = (check: string) => checks.find((one) => one.check === check)?.hint
  return { checks, told, one: (check: string) => told(check).join('\n'), hint }
}

describe('in the sandbox', () => {
  let server: Server
  let folder = ''
  beforeAll(async () => {
    folder = temporaryFolder()
    server = await startServer({ folder, env: { OPERATOR_KEY: undefined, JWT_SECRET: undefined } })
  })
  afterAll(async () => {
    await server?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  test('everything is fine, in a line each', async () => {
    const env = { OPERATOR_KEY: undefined, JWT_SECRET: undefined, PORT: String(server.port) }
    const token = (await runCommand(['token', 'ana'], { folder, env })).stdout.trim()
    const body = JSON.stringify({ push_token: 'ExponentPushToken[doctor]', device_type: 'ios' })
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    expect((await fetch(`${server.url}/api/users/push-token`, { method: 'POST', headers, body })).status).toBe(200)
    const found = await doctor(env, folder)
    expect(found.checks.filter(({ verdict, check }) => verdict !== 'fine' && check !== 'console')).toEqual([])
    expect(found.one('database')).toContain(`in use by process ${server.pid}`)
    expect(found.one('port')).toContain("is Belfry's")
    expect(found.one('server')).toMatch(/is ready, in sandbox mode$/)
    const lines = (await runCommand(['doctor'], { folder, env })).stdout.trim().split('\n')
    expect(lines.filter((line) => !/^[✓!] \S| {18}/.test(line))).toEqual([])
    expect(lines).toContainEqual(expect.stringMatching(/^✓ settings +They fit: sandbox mode/))
    expect(lines.join('\n')).not.toContain('ExponentPushToken')
  })

  test('a stopped server’s folder is looked at, and left as it is', async () => {
    await server.stop()
    const stopped = await doctor({ PORT: String(server.port) }, folder)
    expect(stopped.one('database')).toMatch(/^fine: Embedded.*up to date/)
    expect(stopped.one('port')).toContain('is free')
    expect(stopped.one('server')).toMatch(/^warn: No server answers/)
    server = await startServer({ folder, port: server.port, env: { OPERATOR_KEY: undefined, JWT_SECRET: undefined } })
  })
})

describe('each fault is told:', () => {
  test('settings, all of them', async () => {
    const { told, checks } = await doctor({ JWT_SECRET: 'short', ROLE: 'boss', PORT: '99999', OPERATOR_KEY: 'x' })
    expect(told('settings')).toHaveLength(4)
    expect(told('settings').join()).toContain('JWT_SECRET: too weak with 5 bytes')
    expect(JSON.stringify(checks)).not.toContain('short')
    const operator = await doctor({ SUPABASE_WEBHOOK_SECRET: OPERATOR_KEY })
    expect(operator.one('webhooks')).toContain('warn: ')
  })

  test('names that nobody knows; the start tells them, too', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, '.env'), 'EXPO_ACESS_TOKEN=\n')
    const env = { NODE_ENV: 'prod' }
    const started = await startServer({ folder, env })
    await started.untilLogged(/^NODE_ENV/)
    const warned = started.log().filter(({ level }) => level === 'warn')
    await started.stop()
    const { told } = await doctor(env, folder)
    rmSync(folder, { recursive: true })
    const doubts = [
      'There is no such setting: EXPO_ACESS_TOKEN in .env (did you mean EXPO_ACCESS_TOKEN?).',
      'NODE_ENV=prod has no effect: only NODE_ENV=production has, written exactly so.',
    ]
    expect(warned.map(({ msg }) => msg)).toEqual(doubts)
    expect(told('settings').slice(1)).toEqual(doubts.map((one) => `warn: ${one}`))
  })

  test('no database', async () => {
    const port = (await sharedPostgres()).port
    const closed = await freePort()
    const [away, unknown] = await Promise.all([
      doctor({ DATABASE_URL: `postgres://ana:pass-word@127.0.0.1:${closed}/x` }),
      doctor({ DATABASE_URL: `postgres://postgres@127.0.0.1:${port}/not_there` }),
    ])
    const socket = await doctor({ DATABASE_URL: 'postgres://ana:pass-word@/x?host=/no/postgresql' })
    expect(socket.one('database')).toMatch(/^fault: The database at \/no\/postgresql does not answer \(.*ENOENT/)
    expect(away.one('database')).toMatch(/^fault: The database at 127\.0\.0\.1:\d+ does not answer \(.*ECONNREFUSED/)
    expect(JSON.stringify(away.checks)).not.toContain('pass-word')
    expect(unknown.one('database')).toMatch(
      /^fault: The database at 127\.0\.0\.1:\d+ does not let Belfry in \(.*not_there/,
    )
    expect(unknown.hint('database')).toContain('Create this database')
  })

  test('a database that has no connection left', async () => {
    const url = new URL(await (await sharedPostgres()).createDatabase())
    const role = `crowd_${url.pathname.slice(1)}`
    await query(url.href, `create role "${role}" login connection limit 0`)
    url.username = role
    const full = await doctor({ DATABASE_URL: url.href })
    expect(full.one('database')).toMatch(
      /^fault: The database at \S+ takes no more connections \(53300: too many connections/,
    )
    expect(full.hint('database')).toContain('max_connections')
  })

  test('what takes connections and does not answer', async () => {
    const silent = await serve(() => undefined)
    const [, PORT] = (await serve(() => undefined)).split(':')
    const halting = await serve(({ url }, response) => {
      if (url === '/healthz') return void response.end('{"version": "0.1.0"}')
      // The head alone.
      if (url === '/readyz') response.flushHeaders()
    })
    const keys = { JWT_SECRET: undefined, JWKS_URL: `http://${silent}` }
    const [all, half] = await Promise.all([doctor({ PORT, ...keys }), doctor({ BELFRY_URL: `http://${halting}` })])
    const within = 'no answer within 5 s'
    expect(all.one('server')).toBe(`fault: No server answers at http://127.0.0.1:${PORT} (${within})`)
    expect(all.hint('server')).toContain('hangs')
    expect(all.one('bearer tokens')).toBe(`fault: http://${silent}/ cannot be fetched (${within})`)
    expect(half.one('server')).toBe(`fault: http://${halting} does not say whether it is ready (${within})`)
    expect(half.hint('server')).toContain('log')
    expect(half.one('alarms')).toBe(`warn: Alarms cannot be asked for (${within})`)
  })

  test('a database that is older or newer than the program', async () => {
    const DATABASE_URL = await (await sharedPostgres()).createDatabase()
    expect((await doctor({ DATABASE_URL })).one('database')).toMatch(
      /^fine: PostgreSQL 18.*the first start will make it/,
    )
    expect((await runCommand(['migrate'], { env: { DATABASE_URL } })).code).toBe(0)
    expect((await doctor({ DATABASE_URL })).one('database')).toMatch(/^fine: .*up to date/)
    await query(DATABASE_URL, "insert into belfry.migrations (name, timestamp) values ('9999_later', '')")
    expect((await doctor({ DATABASE_URL })).one('database')).toMatch(/^warn: .*written by a newer version.*9999_later/)
    await query(DATABASE_URL, "delete from belfry.migrations where name > '0002_notify'")
    expect((await doctor({ DATABASE_URL })).one('database')).toMatch(
      /^warn: .*as an older version left it.*0002_notify/,
    )
  })

  test('a database that lets nobody in: the start says it in a sentence, too', async () => {
    const postgres = await sharedPostgres()
    const own = new URL(await postgres.createDatabase())
    const role = `stranger_${own.pathname.slice(1)}`
    await query(own.href, `create role "${role}" login`)
    own.username = role
    const server = `postgres://postgres@127.0.0.1:${postgres.port}`
    const refused = (url: string) => runCommand(['serve'], { env: { DATABASE_URL: url } })
    const starts = await Promise.all([
      refused(`${server}/not_there`),
      refused(`${server.replace('postgres@', 'nobody_here@')}/postgres`),
      refused(own.href),
    ])
    expect(starts.map(({ code }) => code)).toEqual([1, 1, 1])
    const said = starts.map(({ stderr }) => stderr.trimEnd())
    expect(said[0]).toMatch(/^The database does not let Belfry in \(.*not_there.*\)\. Create this database/)
    expect(said[1]).toMatch(/^The database does not let Belfry in \(.*nobody_here.*\)\. Check user and password/)
    expect(said[2]).toMatch(
      /^The database does not let Belfry in \(permission denied.*\)\. Let the user create schemas/,
    )
    expect(said.join('\n').split('\n')).toHaveLength(3)

    // There by now, and somebody else's.
    const admin = Object.assign(new URL(own), { username: 'postgres' }).href
    expect((await runCommand(['migrate'], { env: { DATABASE_URL: admin } })).code).toBe(0)
    await query(admin, `grant create on database "${own.pathname.slice(1)}" to "${role}"`)
    const { code, stderr } = await refused(own.href)
    expect(code).toBe(1)
    expect(stderr).toMatch(/^The database does not let Belfry in \(permission denied.*\)\. .* belong to another user/)
    expect(stderr).not.toContain('create schemas')
    expect((await doctor({ DATABASE_URL: own.href })).hint('database')).toContain('belong to another user')
  })

  test('a database for one alphabet, which the start refuses, too; and one that can only be read from', async () => {
    const url = await (await sharedPostgres()).createDatabase()
    const latin = `${url}_latin`
    await query(url, `create database ${latin.split('/').at(-1)} template template0 encoding 'LATIN1' locale 'C'`)
    const { code, stderr } = await runCommand(['serve'], { env: { DATABASE_URL: latin } })
    expect([code, stderr.trimEnd()]).toEqual([1, expect.stringMatching(/^The database keeps text as LATIN1, .*'UTF8'/)])
    expect((await doctor({ DATABASE_URL: latin })).one('database')).toMatch(/^fault: .* keeps text as LATIN1$/)
    await query(url, `alter database ${url.split('/').at(-1)} set default_transaction_read_only = on`)
    expect((await doctor({ DATABASE_URL: url })).one('database')).toMatch(/^fault: .* can only be read from$/)
  })

  test('a folder that is none, and encryption that cannot be had: so does it', async () => {
    const folder = temporaryFolder()
    const DATA_DIR = join(folder, 'file')
    writeFileSync(DATA_DIR, '')
    const url = await (await sharedPostgres()).createDatabase()
    const starts = await Promise.all([
      runCommand(['serve'], { env: { DATA_DIR } }),
      runCommand(['serve'], { env: { DATABASE_URL: `${url}?sslmode=verify-full&sslrootcert=/no/root.pem` } }),
      runCommand(['serve'], { env: { DATABASE_URL: `${url}?sslmode=verify-full` } }),
    ])
    rmSync(folder, { recursive: true })
    expect(starts.map(({ code }) => code)).toEqual([1, 1, 1])
    const said = starts.map(({ stderr }) => stderr.trimEnd())
    expect(said[0]).toMatch(/^The data folder \S+ cannot be used \(EEXIST.*\)\. Set DATA_DIR/)
    expect(said[1]).toMatch(/^The connection to the database cannot be encrypted .*root\.pem.* sslrootcert/)
    expect(said[2]).toMatch(/^The connection to the database cannot be encrypted .*support SSL.* sslmode/)
    expect(said.join('\n').split('\n')).toHaveLength(3)
  })

  test('Expo: name, connection, TLS, answer, access token', async () => {
    const html = await serve((_request, response) => response.end('<html>Please log in</html>'))
    const silent = await serve((request) => request.socket.destroy())
    const closed = await freePort()
    const path = '/--/api/v2/push/send'
    const at = async (EXPO_PUSH_URL: string, more: Env = {}) => (await doctor({ EXPO_PUSH_URL, ...more })).one('expo')
    const [dns, tcp, tls, http, page] = await Promise.all([
      at(`http://nowhere.invalid${path}`),
      at(`http://127.0.0.1:${closed}${path}`),
      at(`https://${html}${path}`),
      at(`http://${silent}${path}`),
      at(`http://${html}${path}`),
    ])
    expect(dns).toMatch(/^fault: nowhere\.invalid:80 cannot be reached: DNS fails/)
    expect(tcp).toMatch(/^fault: .* cannot be reached: TCP fails \(ECONNREFUSED\)/)
    expect(tls).toMatch(/^fault: .* cannot be reached: TLS fails/)
    expect(http).toMatch(/^fault: .* cannot be reached: HTTP fails/)
    expect(page).toMatch(/^fault: .*answers, but not as Expo does/)
    await expo.reset({ accessToken: 'good-token' })
    const [none, wrong, right] = await Promise.all([
      at(expo.sendUrl),
      at(expo.sendUrl, { EXPO_ACCESS_TOKEN: 'bad-token' }),
      at(expo.sendUrl, { EXPO_ACCESS_TOKEN: 'good-token' }),
    ])
    expect(none).toMatch(/^fault: Expo refuses requests without an access token \(status 401/)
    expect(wrong).toMatch(/^fault: Expo refuses EXPO_ACCESS_TOKEN/)
    expect(right).toMatch(/^fine: Expo answers .* in \d+ ms, and the access token is not refused/)
    expect((await expo.report()).accepted).toBe(0)
  })

  test('a wrong clock', async () => {
    const DATABASE_URL = await (await sharedPostgres()).createDatabase()
    const preload = join(import.meta.dirname, '..', 'reliability', 'kit', 'clock-preload.ts')
    await expo.reset()
    const env = { DATABASE_URL, EXPO_PUSH_URL: expo.sendUrl, NODE_OPTIONS: `--import ${preload}` }
    const [right, wrong] = await Promise.all([doctor(env), doctor({ ...env, BELFRY_TEST_CLOCK: '0:120000' })])
    expect(right.one('clock')).toMatch(/^fine: /)
    expect(wrong.one('clock')).toMatch(/^fault: The database's clock is 1(19|20)\.\d s behind this machine's/)
    expect(wrong.one('expo clock')).toMatch(/^fault: Expo's clock is 1(19|20)\.\d s behind/)
  })

  test('the key set', async () => {
    const keys = { '/two': '{"keys":[{"kty":"RSA"},{"kty":"EC"}]}', '/none': '{"keys":[]}', '/text': 'Hello' }
    const host = await serve((request, response) => response.end(keys[request.url as '/two'] ?? ''))
    const at = async (path: string) =>
      (await doctor({ JWT_SECRET: undefined, JWKS_URL: `http://${path}` })).one('bearer tokens')
    const found = await Promise.all([at(`${host}/two`), at(`${host}/none`), at(`${host}/text`), at('127.0.0.1:1/')])
    expect(found).toEqual([
      expect.stringMatching(/^fine: .* holds 2 keys$/),
      expect.stringMatching(/^fault: .* holds no public key$/),
      expect.stringMatching(/^fault: .* is not JSON$/),
      expect.stringMatching(/^fault: .* cannot be fetched/),
    ])
  })

  test('the port, and the folder', async () => {
    const taken = await serve((_request, response) => response.end('{}'))
    const file = join(temporaryFolder(), 'file')
    writeFileSync(file, '')
    const [other, unwritable] = await Promise.all([
      doctor({ PORT: taken.split(':')[1] }),
      doctor({ DATA_DIR: join(file, 'data') }),
    ])
    expect(other.one('port')).toMatch(/^fault: Another program listens/)
    expect(other.one('server')).toMatch(/^fault: What answers at .* is no Belfry/)
    expect(unwritable.one('folder')).toMatch(/^fault: .* cannot be written to/)
    rmSync(join(file, '..'), { recursive: true })
  })
})

describe('of the running server', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld({ database: 'postgres' })
  })
  afterAll(() => world?.close())

  test('alarms, suspended devices and a missing key are told', async () => {
    const env = { DATABASE_URL: world.databaseUrl, EXPO_PUSH_URL: world.expo.sendUrl, BELFRY_URL: world.server.url }
    const quiet = await doctor(env)
    expect(quiet.one('alarms')).toBe('fine: No alarm waits')
    expect(quiet.one('devices')).toBe('warn: No device is registered yet')
    const phone = await world.user('ana').register({ device_type: 'ios' })
    await world.expo.plan({ ticketCodes: { [phone]: 'InvalidCredentials' } })
    await world.user('ana').testPush()
    const [ringing, stranger] = await Promise.all([
      doctor(env),
      doctor({ ...env, BELFRY_KEY: 'not-the-operator-key-at-all' }),
    ])
    expect(ringing.one('alarms')).toMatch(/^warn: The push credentials of .*, ios are refused/)
    expect(ringing.hint('alarms')).toContain('Apple or Google push key')
    expect(stranger.one('alarms')).toMatch(/^warn: The server does not take this operator key/)
  })

  test('a server that lost its database is not said to refuse the operator key', async () => {
    const ill = await serve((request, response) => {
      response.statusCode = request.url === '/healthz' ? 200 : 503
      response.end(JSON.stringify({ version: '0.1.0', error: 'The database does not answer' }))
    })
    const { one } = await doctor({ BELFRY_URL: `http://${ill}`, EXPO_PUSH_URL: expo.sendUrl })
    expect(one('server')).toMatch(/^fault: .* is not ready: The database does not answer$/)
    expect(one('alarms')).toBe('warn: Alarms cannot be asked for (503)')
  })

  /** Once an hour, at a minute that a test may meet, every server has upkeep waiting besides. */
  const withoutUpkeep = `create function belfry_queue.none() returns trigger language plpgsql as 'begin return null; end';
    create trigger none before insert on belfry_queue.job for each row when (new.name = 'upkeep')
      execute function belfry_queue.none();
    delete from belfry_queue.job where name = 'upkeep'`

  test('that nobody works is told, and that its settings are not those of now', async () => {
    await world.server.stop()
    await query(world.databaseUrl!, withoutUpkeep)
    const folder = temporaryFolder()
    writeFileSync(join(folder, '.env'), '')
    const env = { DATABASE_URL: world.databaseUrl, EXPO_PUSH_URL: world.expo.sendUrl }
    const api = await startServer({ folder, env: { ...env, ROLE: 'api' } })
    const port = String(api.port)
    const idle = await doctor({ ...env, PORT: port }, folder)
    expect(idle.one('work')).toMatch(/^fine: No work waits/)
    expect(idle.one('settings')).toMatch(/^fine: They fit.*$/)
    await call('POST', `${api.url}/api/notifications`, {
      token: OPERATOR_KEY,
      json: { to: { users: ['ana'] }, title: 'Hello' },
    })
    // The queue counts what it holds every second.
    await until('the queue has counted it', async () => {
      const { body } = await call('GET', `${api.url}/api/operator/now`, { token: OPERATOR_KEY })
      return (body.queues as { ready: number }[]).some(({ ready }) => ready > 0)
    })
    writeFileSync(join(folder, '.env'), 'LOG_LEVEL=debug\n')
    const left = await doctor({ ...env, EXPO_PUSH_URL: undefined, PORT: port }, folder)
    await api.stop()
    rmSync(folder, { recursive: true })
    await world.restart()
    expect(left.one('work')).toBe('fault: Work waits and nobody takes it (send-direct 1)')
    expect(left.told('settings').slice(1)).toEqual([
      'warn: The running server started before .env was last changed',
      'warn: The running server is in expo mode, these settings say sandbox',
    ])
  })
})
