import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { placeOfPostgres } from './config/values.ts'
import { ConfigFault, readConfig, readRemote } from './config.ts'

const folder = mkdtempSync(join(tmpdir(), 'belfry-config-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const secret = 's'.repeat(32)
const read = (env: NodeJS.ProcessEnv) => readConfig(env, folder)
const production = { NODE_ENV: 'production', JWT_SECRET: secret, OPERATOR_KEY: 'k'.repeat(24) }

function faultsOf(env: NodeJS.ProcessEnv): string[] {
  try {
    read(env)
  } catch (error) {
    if (error instanceof ConfigFault) return error.faults
    throw error
  }
  return []
}

describe('the settings', () => {
  test('need nothing: the sandbox, PGlite, loopback', () => {
    const { settings, secrets } = read({})
    expect(settings).toMatchObject({
      production: false,
      mode: 'sandbox',
      host: '127.0.0.1',
      port: 8787,
      dataDir: join(folder, 'data'),
      databaseSchema: 'belfry',
      pushesEnabled: true,
      rateLimit: 600,
      maxConcurrentRequests: 6,
      expoTimeoutMs: 30_000,
      receiptDelayMs: 5_000,
      ttlSeconds: 86_400,
      openTestPush: true,
      logLevel: 'info',
    })
    expect(Object.values(secrets).filter((value) => value !== undefined)).toEqual([])
  })

  test('let the pages in that are named exactly, and believe the proxies that are', () => {
    const pages = 'https://app.example.com, http://localhost:8081'
    expect(read({ CORS_ORIGINS: pages }).settings.corsOrigins).toEqual(pages.split(', '))
    expect(read({}).settings).toMatchObject({ corsOrigins: [], trustProxy: 0 })
    expect(read({ TRUST_PROXY: '2' }).settings.trustProxy).toBe(2)
    const proxies = ['10.0.0.0/8', '192.0.2.1', '2001:db8::/32']
    expect(read({ TRUST_PROXY: proxies.join(',') }).settings.trustProxy).toEqual(proxies)
    const unfit = {
      CORS_ORIGINS: [
        '*',
        'https://*.example.com',
        'null',
        'app.example.com',
        'https://app.example.com/',
        'https://APP.example.com',
        'https://app.example.com:443',
        'file://',
        'https://ana@app.example.com',
      ],
      TRUST_PROXY: ['true', '-1', '0.0.0.0/0', '::/0', '10.0.0.0/33', 'localhost', '10.0.0.1,'],
    }
    for (const [name, values] of Object.entries(unfit))
      for (const value of values)
        expect([value, faultsOf({ [name]: value })]).toEqual([value, [expect.stringMatching(new RegExp(`^${name}: `))]])
  })

  test('send to Expo in production, and wherever EXPO_PUSH_URL says', () => {
    expect(read(production).settings).toMatchObject({
      mode: 'expo',
      expo: {
        sendUrl: 'https://exp.host/--/api/v2/push/send',
        receiptsUrl: 'https://exp.host/--/api/v2/push/getReceipts',
      },
      receiptDelayMs: 900_000,
      openTestPush: false,
    })
    expect(read({ EXPO_PUSH_URL: 'http://127.0.0.1:9/a/send' }).settings).toMatchObject({
      mode: 'expo',
      expo: { receiptsUrl: 'http://127.0.0.1:9/a/getReceipts' },
      openTestPush: false,
    })
  })

  test('come from .env, and the environment wins; empty is unset', () => {
    writeFileSync(join(folder, '.env'), 'PORT=1234\nAPP_NAME="Smriti"\nHOST=::1\n')
    const { settings } = read({ PORT: '0', HOST: '', JWT_SECRET: ' ' })
    rmSync(join(folder, '.env'))
    expect(settings).toMatchObject({ port: 0, host: '::1', texts: { appName: 'Smriti' } })
  })

  test.each([
    ['TRUE', true],
    ['1', true],
    ['Yes', true],
    ['false', false],
    ['0', false],
    ['NO', false],
  ])('take %s as a flag', (word, value) => {
    expect(read({ ENABLE_PUSH_NOTIFICATIONS: word }).settings.pushesEnabled).toBe(value)
  })

  test.each([
    'postgres://user:password@/database?host=/var/run/postgresql',
    'postgresql://user:password@/database?host=/cloudsql/project:region:instance',
  ])('take a database at a socket: %s', (url) => {
    expect(read({ DATABASE_URL: url }).secrets.databaseUrl).toBe(url)
    expect(placeOfPostgres(url)).toEqual({ host: url.split('=')[1], name: 'database' })
  })

  test('keep the test push closed when the sandbox is open to the network', () => {
    expect(read({ HOST: '0.0.0.0' }).settings.openTestPush).toBe(false)
  })
})

test('the commands take an empty line of .env for none, too', () => {
  writeFileSync(join(folder, '.env'), 'OPERATOR_KEY=\nDATA_DIR=\nBELFRY_KEY=\n')
  const remote = readRemote({}, folder)
  rmSync(join(folder, '.env'))
  const keyFile = join(folder, 'data', 'operator-key')
  expect(remote).toMatchObject({ key: undefined, keyFrom: keyFile, keyFile })
})

describe('faults', () => {
  test.each([
    ['PORT', '65536'],
    ['PORT', '80a'],
    ['HOST', 'a b'],
    ['DATABASE_URL', 'mysql://a/b'],
    ['DATABASE_SCHEMA', 'Belfry"; drop'],
    ['DATABASE_SCHEMA', 'pg_own'],
    ['DATABASE_SCHEMA', 'a'.repeat(45)],
    ['EXPO_PUSH_URL', 'https://exp.host/--/api/v2/push'],
    ['EXPO_PUSH_URL', 'file:///push/send'],
    ['EXPO_PUSH_URL', 'https://user:word@exp.host/push/send'],
    ['EXPO_ACCESS_TOKEN', 'two words'],
    ['ENABLE_PUSH_NOTIFICATIONS', 'maybe'],
    ['EXPO_RATE_LIMIT', '-1'],
    ['EXPO_MAX_CONCURRENT_REQUESTS', '0'],
    ['EXPO_TIMEOUT_MS', '1'],
    ['RECEIPT_DELAY_MS', '1.5'],
    ['NOTIFICATION_TTL_SECONDS', '0'],
    ['TEXTS_FILE', 'missing.json'],
    ['JWT_SECRET', 's'.repeat(31)],
    ['JWKS_URL', 'ftp://a/b'],
    ['JWT_USER_CLAIM', 'a b'],
    ['JWT_NAME_CLAIM', 'name,,x'],
    ['OPERATOR_KEY', 'short'],
    ['OPEN_TEST_PUSH', '2'],
    ['LOG_LEVEL', 'loud'],
  ])('%s=%s', (name, value) => {
    const faults = faultsOf({ [name]: value })
    expect(faults).toHaveLength(1)
    expect(faults[0]).toMatch(new RegExp(`^${name}: .*; expected |^${name}: .*expected `))
  })

  test('come all at once, contradictions with them, and name no secret', () => {
    const faults = faultsOf({
      NODE_ENV: 'production',
      PORT: 'x',
      JWT_SECRET: 'hunter2',
      JWKS_URL: 'https://keys.example/jwks',
    })
    expect(faults.map((fault) => fault.split(':')[0])).toEqual([
      'PORT',
      'JWT_SECRET',
      'JWT_SECRET and JWKS_URL',
      'OPERATOR_KEY',
    ])
    expect(faults.join()).not.toContain('hunter2')
  })

  test('production asks for both keys', () => {
    for (const NODE_ENV of ['production', ' production ']) expect(faultsOf({ NODE_ENV })).toHaveLength(2)
    expect(faultsOf({ ROLE: ' api ' })).toEqual([expect.stringMatching(/^ROLE: "api" needs a database/)])
    expect(faultsOf(production)).toEqual([])
  })
})

describe('doubts', () => {
  const inFile = (text: string, env: NodeJS.ProcessEnv = {}) => {
    writeFileSync(join(folder, '.env'), text)
    try {
      return read(env).doubts
    } finally {
      rmSync(join(folder, '.env'))
    }
  }

  test('are told of every name in .env that nobody knows, with the one that was meant', () => {
    expect(
      inFile('EXPO_ACESS_TOKEN=\nDATABSE_URL=x\nENABLE_PUSH_NOTIFICATION=false\nPROT=1\nport=2\nPOSTGRES_PASSWORD=x\n'),
    ).toEqual([
      'There is no such setting: DATABSE_URL in .env (did you mean DATABASE_URL?), ENABLE_PUSH_NOTIFICATION in .env (did you mean ENABLE_PUSH_NOTIFICATIONS?), EXPO_ACESS_TOKEN in .env (did you mean EXPO_ACCESS_TOKEN?), POSTGRES_PASSWORD in .env, PROT in .env (did you mean PORT?), port in .env (did you mean PORT?).',
    ])
    expect(inFile('BELFRY_URL=http://a\nBELFRY_KEY=x\nNODE_ENV=\nPORT=\nAPP_NAME=Smriti\n')).toEqual([])
  })

  test('repeat nothing that may be a piece of a secret', () => {
    expect(inFile('JWT_ISSUER=-----BEGIN\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC==\n')).toEqual([
      'There is no such setting: 1 in .env.',
    ])
    const many = inFile(Array.from({ length: 13 }, (_, n) => `A_${'ABCDEFGHIJKLM'[n]}=x`).join('\n'))
    expect(many).toEqual([
      expect.stringMatching(/^There is no such setting: A_A in .env, .*A_J in .env, and 3 more\.$/),
    ])
  })

  test('are told of the environment only where one of ours was meant and is not set', () => {
    expect(read({ EXPO_ACESS_TOKEN: 'x', expo_push_url: 'y' }).doubts).toEqual([
      'There is no such setting: EXPO_ACESS_TOKEN in the environment (did you mean EXPO_ACCESS_TOKEN?), expo_push_url in the environment (did you mean EXPO_PUSH_URL?).',
    ])
    expect(read({ EXPO_ACESS_TOKEN: 'x', EXPO_ACCESS_TOKEN: 'y' }).doubts).toEqual([])
    const others =
      'HOME HOSTNAME PWD TZ SHLVL LOGNAME PORTS POST ROLES USER AWS_URL APP_ENV APP_NAMES LOGLEVEL XDG_DATA_DIRS DATA_DIRS TEST_FILE DATABASE_SSL DATABASE_USER DATABASE_NAME DATABASE_HOST HTTPS_PROXY NO_PROXY JWT_KEY EXPO_TOKEN EXPO_PUBLIC_URL PGPORT NODE_OPTIONS WEB_CONCURRENCY OTEL_TRACES_EXPORTER OTEL_METRICS_EXPORTER OTEL_EXPORTER_OTLP_PROTOCOL OTEL_EXPORTER_OTLP_TRACES_HEADERS OTEL_EXPORTER_OTLP_METRICS_ENDPOINT OTEL_EXPORTER_OTLP_LOGS_ENDPOINT OTEL_RESOURCE_ATTRIBUTES OTEL_SERVICE_VERSION OTEL_LOG_LEVEL KUBERNETES_SERVICE_PORT npm_config_loglevel BELFRY_PORT'
    expect(read(Object.fromEntries(others.split(' ').map((name) => [name, 'x']))).doubts).toEqual([])
  })

  test('are told of a NODE_ENV without an effect, and with the faults that they may explain', () => {
    for (const word of ['prod', 'Production', 'staging'])
      expect(read({ NODE_ENV: word }).doubts).toEqual([
        `NODE_ENV=${word} has no effect: only NODE_ENV=production has, written exactly so.`,
      ])
    for (const word of ['', 'development', 'dev', 'test', 'local']) expect(read({ NODE_ENV: word }).doubts).toEqual([])
    expect(read(production).doubts).toEqual([])
    const { OPERATOR_KEY, ...rest } = production
    expect(() => read({ ...rest, OPERATOR_KYE: OPERATOR_KEY })).toThrow(
      /OPERATOR_KEY: not set;.*\n.*did you mean OPERATOR_KEY\?/,
    )
  })
})
