/** S11: what is secret is found in no log line, metric, trace, error or message of a failed start, at the finest level. */
import { randomBytes } from 'node:crypto'
import { createServer, type Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedPostgres } from '../kit/global-setup.ts'
import { until } from '../kit/guard.ts'
import { query } from '../kit/postgres.ts'
import { mintToken, runCommand } from '../kit/server.ts'
import { openWorld, type World } from '../kit/world.ts'

/** Not to be found by chance, and with nothing in it that an encoding would change. */
const secret = (what: string) => `canary${what}${randomBytes(16).toString('hex')}`
const canaries = {
  operatorKey: secret('OperatorKey'),
  jwtSecret: secret('JwtSecret'),
  expoAccessToken: secret('ExpoAccessToken'),
  webhookSecret: secret('WebhookSecret'),
  databasePassword: secret('DatabasePassword'),
  collectorKey: secret('CollectorKey'),
  title: secret('Title'),
  body: secret('Body'),
  data: secret('Data'),
  message: secret('Message'),
  wrongKey: secret('WrongKey'),
  query: secret('Query'),
}
const pushToken = (what: string) => `ExponentPushToken[${secret(what)}]`
const phones = { fine: pushToken('Fine'), dead: pushToken('Dead'), odd: pushToken('Odd'), late: pushToken('Late') }
/** What became known while it ran: bearer tokens, cookies, keys of servers. */
const made: Record<string, string> = {}
const secrets = (): Record<string, string> => ({
  ...canaries,
  ...made,
  ...Object.fromEntries(Object.entries(phones).map(([name, token]) => [`phone ${name}`, token.slice(18, -1)])),
})

let world: World
let collector: HttpServer
let traces = ''
const errors: string[] = []
beforeAll(async () => {
  collector = createServer((request, response) => {
    request.setEncoding('utf8').on('data', (text: string) => (traces += text))
    request.on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'))
  })
  await new Promise<void>((ready) => collector.listen(0, '127.0.0.1', ready))
  const { port } = collector.address() as AddressInfo
  world = await openWorld({
    database: 'postgres',
    databaseUrl: await databaseWithPassword(),
    fake: { accessToken: canaries.expoAccessToken },
    env: {
      OPERATOR_KEY: canaries.operatorKey,
      JWT_SECRET: canaries.jwtSecret,
      EXPO_ACCESS_TOKEN: canaries.expoAccessToken,
      SUPABASE_WEBHOOK_SECRET: canaries.webhookSecret,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=${canaries.collectorKey}`,
      RATE_LIMIT_PER_ADDRESS: '0',
      RECEIPT_DELAY_MS: '200',
      LOG_LEVEL: 'trace',
    },
  })
})
afterAll(async () => {
  await world?.close()
  collector.closeAllConnections()
  await new Promise((done) => collector.close(done))
})

async function databaseWithPassword(): Promise<string> {
  const url = new URL(await (await sharedPostgres(18)).createDatabase())
  const name = `canary_${randomBytes(6).toString('hex')}`
  await query(url.href, `create role ${name} login superuser password '${canaries.databasePassword}'`)
  url.username = name
  url.password = canaries.databasePassword
  return url.href
}

/** Any call; of those that are refused, what was said is kept. */
async function call(method: string, path: string, token: string, json?: unknown, headers: Record<string, string> = {}) {
  const answer = await world.call(method, path, { token, headers, ...(json !== undefined && { json }) })
  if (answer.status >= 400) errors.push(answer.text)
  return answer
}

test('S11: whatever goes well or wrong, no secret is told', async () => {
  const ana = (made.ana = mintToken('ana', { username: 'Ana' }, canaries.jwtSecret))
  const ben = (made.ben = mintToken('ben', { username: 'Ben' }, canaries.jwtSecret))
  const operator = canaries.operatorKey
  for (const push_token of Object.values(phones))
    await call('POST', '/api/users/push-token', ben, {
      push_token,
      device_type: 'ios',
      installation_id: push_token.slice(18, 40),
    })
  await world.expo.plan({
    ticketCodes: { [phones.dead]: 'DeviceNotRegistered', [phones.odd]: `MessageTooBig` },
    receiptCodes: { [phones.late]: 'DeviceNotRegistered' },
    next: ['status500', 'garbage', 'halfBody', 'status429', 'ok'],
  })
  await call('POST', '/message/send-message', ana, {
    receiver_id: 'ben',
    message_type: 'text',
    content: canaries.message,
  })
  await call('POST', '/api/posts/', ana, { title: canaries.title, text_content: canaries.body, content_type: 'note' })
  const notification = { title: canaries.title, body: canaries.body, data: { secret: canaries.data } }
  const key = await call('POST', '/api/operator/keys', operator, { name: 'backend', scopes: ['send', 'read', 'users'] })
  made.serverKey = String((key.body as { secret?: string }).secret)
  expect(made.serverKey).toMatch(/^blf_/)
  await call('POST', '/api/notifications', made.serverKey, { to: { users: ['ben'] }, ...notification })
  await call('POST', '/api/notifications', operator, { to: 'everyone', ...notification }, { 'idempotency-key': 'x' })
  await world.call('POST', '/hooks/supabase', {
    headers: { 'x-webhook-secret': canaries.webhookSecret },
    json: {
      type: 'INSERT',
      table: 'messages',
      schema: 'public',
      old_record: null,
      record: { id: 1, sender_id: 'ana', receiver_id: 'ben', message_type: 'text', content: canaries.message },
    },
  })
  const signIn = await world.call('POST', '/console/sign-in', { json: { key: operator } })
  made.cookie = /belfry_session=([^;]+)/.exec(String(signIn.headers['set-cookie']))![1]!
  await goWrong(ana, ben)
  await world.drain()
  await world.server.untilLogged(/^Removed invalid token/)
  await until(
    'both phones to be retired',
    () => world.server.log().filter(({ msg }) => msg?.startsWith('Removed')).length >= 2,
  )

  // At the end, because sending pauses after it: Expo refuses the access token.
  await world.expo.plan({ accessToken: 'another' })
  await call('POST', '/message/send-message', ana, {
    receiver_id: 'ben',
    message_type: 'text',
    content: canaries.message,
  })
  await world.server.untilLogged(/^Failed to send batch/)
  await world.server.untilLogged(/^Sending pauses/)

  const { text: metrics } = await call('GET', '/metrics', operator)
  expect(metrics).toContain('# HELP')
  await until('spans to be sent', () => traces.includes('traceId'))
  await world.server.stop()
  expect(world.server.lines.length).toBeGreaterThan(50)
  expect(errors.length).toBeGreaterThan(20)
  expect(foundIn({ log: world.server.lines.join('\n'), metrics, traces, errors: errors.join('\n') })).toEqual([])
}, 60_000)

/** Every way to be refused that quotes what was sent, and failures of what stands behind. */
async function goWrong(ana: string, ben: string): Promise<void> {
  const operator = canaries.operatorKey
  const wrong = [canaries.wrongKey, `blf_${canaries.wrongKey}`, `${ana}x`, `${ben.split('.').slice(0, 2).join('.')}.`]
  for (const token of wrong)
    for (const path of [
      '/api/users/push-token',
      '/api/operator/now',
      '/api/notifications',
      `/nope?key=${canaries.query}`,
    ])
      await call('GET', path, token)
  await call('POST', '/console/sign-in', '', { key: canaries.wrongKey })
  await call('POST', '/hooks/supabase', canaries.wrongKey, {})
  const broken: unknown[] = [
    { push_token: `${phones.fine} `, device_type: 'ios' },
    { push_token: [phones.fine], device_type: 'ios' },
    { push_token: phones.fine, device_type: canaries.data },
    { push_token: phones.fine },
    {},
  ]
  for (const json of broken) await call('POST', '/api/users/push-token', ben, json)
  await call('DELETE', '/api/users/push-token', ben, { push_token: phones.fine, [canaries.data.slice(0, 4)]: 1 })
  const title = canaries.title
  const big = { to: { users: ['ben'] }, title, body: canaries.body.repeat(200) }
  for (const json of [
    big,
    { to: 'nobody', title },
    { to: { users: [] }, title, body: { secret: canaries.body } },
    { to: 'everyone', title, ttl: canaries.data },
  ])
    await call('POST', '/api/notifications', operator, json)
  await world
    .call('POST', '/api/notifications', {
      token: operator,
      raw: `{"title":"${canaries.title}`,
      headers: { 'content-type': 'application/json' },
    })
    .then(({ text }) => errors.push(text))
  // The database goes away under a request that carries them all.
  const cut = `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`
  const asked = Array.from({ length: 20 }, () =>
    call('POST', '/message/send-message', ana, { receiver_id: 'ben', message_type: 'text', content: canaries.message }),
  )
  await world.sql(cut)
  await Promise.all(asked)
}

test('S11: a start that fails says which setting is wrong, and not what it is', async () => {
  const database = `postgres://user:${canaries.databasePassword}@127.0.0.1`
  // All faults come in one message, so a few starts show them all.
  const values: Record<string, string>[] = [
    {
      OPERATOR_KEY: 'canaryShort',
      JWT_SECRET: 'canaryShort',
      EXPO_ACCESS_TOKEN: `${canaries.expoAccessToken} \u00e9`,
      SUPABASE_WEBHOOK_SECRET: 'canaryShort',
      OTEL_EXPORTER_OTLP_HEADERS: `${canaries.collectorKey} \u00e9`,
      DATABASE_URL: `${database}/x`.replace('postgres', 'mysql'),
    },
    {
      OPERATOR_KEY: `${canaries.operatorKey} with blanks`,
      EXPO_PUSH_URL: `http://user:${canaries.expoAccessToken}@127.0.0.1/send`,
      JWKS_URL: `http://${canaries.query}:x@127.0.0.1/`,
      DATABASE_URL: `${database}/x`,
      ROLE: 'nonsense',
    },
  ]
  for (const env of values) {
    const { code, stdout, stderr } = await runCommand(['serve'], { env: { LOG_LEVEL: 'trace', ...env } })
    expect(code).toBe(78)
    for (const name of Object.keys(env).filter((one) => one !== 'DATABASE_URL')) expect(stdout + stderr).toContain(name)
    expect(foundIn({ stdout, stderr }, /canaryShort/)).toEqual([])
  }
  const url = new URL((await (await sharedPostgres(18)).createDatabase()).replace(/\w+$/, 'not_there'))
  url.password = canaries.databasePassword
  const { code, stdout, stderr } = await runCommand(['migrate'], {
    env: { DATABASE_URL: url.href, LOG_LEVEL: 'trace' },
  })
  expect(code).not.toBe(0)
  expect(stdout + stderr).toContain('not_there')
  expect(foundIn({ stdout, stderr })).toEqual([])
}, 60_000)

/** Which secret stands where, and what around it. */
function foundIn(places: Record<string, string>, also = /(?!)/): string[] {
  return Object.entries(places).flatMap(([place, text]) => {
    const found = Object.entries(secrets()).filter(([, value]) => text.includes(value))
    const faults = found.map(([name, value]) => `${name} in ${place}: ${around(text, text.indexOf(value))}`)
    return also.test(text) ? [...faults, `${String(also)} in ${place}: ${around(text, text.search(also))}`] : faults
  })
}

const around = (text: string, at: number) => text.slice(Math.max(0, at - 200), at + 80)
