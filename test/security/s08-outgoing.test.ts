/** S8: the server speaks to the addresses in its settings and to nobody else, whatever a request or an answer asks. */
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConfigFault, readConfig } from '../../src/config.ts'
import { dice } from '../kit/fake-expo/plan.ts'
import { until } from '../kit/guard.ts'
import { OPERATOR_KEY } from '../kit/server.ts'
import { newPushToken, openWorld, type World } from '../kit/world.ts'
import { type Canary, openCanary } from './kit/canary-listener.ts'
import { forgeries, goodClaims, type Target } from './kit/forgeries.ts'
import { type Issuer, newKey, openIssuer, signed } from './kit/issuer.ts'
import { lines, say } from './kit/wire.ts'

const WEBHOOK_SECRET = 'a-webhook-secret-that-only-the-tests-know'
const key = newKey('one', 'ES256')
let [expo, issuer, collector]: Issuer[] = []
let canary: Canary
let world: World
let log = ''
beforeAll(async () => {
  canary = await openCanary()
  expo = await openIssuer('/--/api/v2/push/send')
  issuer = await openIssuer('/jwks', [key])
  collector = await openIssuer('/v1/traces')
  log = join(import.meta.dirname, '..', '..', '.tmp', `connections-${process.pid}`)
  world = await openWorld({
    database: 'pglite',
    env: {
      EXPO_PUSH_URL: `${expo.origin}/--/api/v2/push/send`,
      JWKS_URL: `${issuer.origin}/jwks`,
      JWT_SECRET: undefined,
      SUPABASE_WEBHOOK_SECRET: WEBHOOK_SECRET,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.origin,
      RATE_LIMIT_PER_ADDRESS: '0',
      NODE_OPTIONS: `--import ${join(import.meta.dirname, 'kit', 'connections-preload.ts')}`,
      CONNECTIONS_FILE: log,
    },
  })
})
afterAll(async () => {
  await world?.close()
  rmSync(log, { force: true })
  for (const one of [expo, issuer, collector, canary]) await one?.close()
})

/** Where the program connected to, or whom it looked up, since it began. */
const destinations = () =>
  [...new Set(readFileSync(log, 'utf8').trim().split('\n'))].map((line) => Object.values(JSON.parse(line) as object)[0])
const allowed = () => [expo!, issuer!, collector!].map(({ origin }) => new URL(origin).host)

const addresses = () => [
  `${canary.url}/x.png`,
  `http://localhost:${canary.port}/x`,
  `http://[::ffff:127.0.0.1]:${canary.port}/`,
  `http://2130706433:${canary.port}/`,
  `http://0x7f.1:${canary.port}/`,
  `http://exp.host@127.0.0.1:${canary.port}/`,
  'http://169.254.169.254/latest/meta-data/iam/security-credentials/',
  'http://metadata.google.internal/computeMetadata/v1/',
  'http://10.0.0.1/',
  'file:///etc/passwd',
  `gopher://127.0.0.1:${canary.port}/_x`,
]
const token = (sub: string) =>
  signed(key, { sub, exp: Math.floor(Date.now() / 1000) + 600, picture: canary.url, iss: canary.url })
const as = (sub: string) => ({ token: token(sub) })

/** First of all: keys that are known are not asked for again within these tests. */
test('S8: a redirect of the key set is not followed', async () => {
  issuer!.instead = { status: 307, headers: { location: `${canary.url}/stolen` } }
  const { status } = await world.call('GET', '/api/users/push-token', as('ana'))
  issuer!.instead = undefined
  expect([status, issuer!.asked, canary.connections]).toEqual([503, 1, []])
  const isKnown = async () => (await world.call('GET', '/api/users/push-token', as('ana'))).status === 200
  await until('its keys', isKnown, { everyMs: 250 })
})

test('S8: nothing that a request says makes the server connect anywhere', async () => {
  const bad: string[] = []
  const ok = async (asked: Promise<{ status: number; text: string }>, ...expected: number[]) => {
    const { status, text } = await asked
    if (!expected.includes(status)) bad.push(`${status}: ${text.slice(0, 300)}`)
  }
  await ok(
    world.call('POST', '/api/users/push-token', {
      ...as('ana'),
      json: { push_token: newPushToken(), device_type: 'ios' },
    }),
    200,
  )
  for (const url of addresses()) {
    const headers = {
      'X-Forwarded-Host': new URL(canary.url).host,
      'X-Forwarded-For': url.slice(0, 60),
      'X-Original-URL': url,
      Referer: url,
      Location: url,
      From: url,
      Traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      Tracestate: `x=${url}`,
      Baggage: `url=${url}`,
    }
    const text = `${url} <${url}>`
    const json = {
      push_token: newPushToken(),
      device_type: 'ios',
      installation_id: url,
      project_id: url,
      locale: url.slice(0, 60),
      app_version: url.slice(0, 60),
    }
    await ok(world.call('POST', '/api/users/push-token', { ...as('ben'), json, headers }), 200)
    await ok(
      world.call('POST', '/api/posts/', {
        ...as('ana'),
        json: { title: text, text_content: text, content_type: url },
        headers,
      }),
      200,
    )
    await ok(
      world.call('POST', '/message/send-message', {
        ...as('ana'),
        json: { receiver_id: url, message_type: 'zoom_link', content: text },
      }),
      200,
    )
    const options = {
      richContent: { image: url },
      icon: url,
      sound: url,
      tag: url,
      threadId: url,
      categoryId: url,
      channelId: url,
      image: url,
      callback: url,
    }
    const notification = {
      to: { users: ['ben'] },
      title: text,
      body: text,
      data: { url, image: url, richContent: { image: url } },
      options,
    }
    await ok(world.operator('POST', '/api/notifications', { json: notification, headers }), 202, 400)
    const row = {
      id: url,
      title: text,
      user_id: url,
      image_url: url,
      sender_id: url,
      receiver_id: 'ben',
      content: url,
      message_type: 'text',
    }
    for (const table of ['posts', 'messages']) {
      const hook = { type: 'INSERT', table, schema: 'public', record: row, old_record: null, url, callback: url }
      await ok(
        world.call('POST', '/hooks/supabase', {
          json: hook,
          headers: { ...headers, 'x-webhook-secret': WEBHOOK_SECRET },
        }),
        200,
        400,
        422,
      )
    }
    const absolute = `GET ${url} HTTP/1.1`
    await say(
      world.server.port,
      lines(absolute, 'Host: localhost', 'Connection: close', `Authorization: Bearer ${OPERATOR_KEY}`),
    )
    await say(world.server.port, lines(`CONNECT 127.0.0.1:${canary.port} HTTP/1.1`, `Host: 127.0.0.1:${canary.port}`))
  }
  expect(bad).toEqual([])
  expect(canary.connections).toEqual([])
})

test('S8: no token names where its key is to be fetched', async () => {
  const target: Target = {
    issuer: canary.url,
    audience: 'app',
    publicKey: key.publicKey,
    publicJwk: key.jwk,
    kid: key.kid,
    canary: `${canary.url}/keys`,
    sign: (claims, header) => signed(key, claims, header),
    misused: [(claims) => signed(key, claims, { alg: 'HS256' })],
  }
  let n = 0
  for (const [, forged] of forgeries(target, dice(8))) {
    if (forged.length < 8_000) await world.call('GET', '/api/users/push-token', { token: forged })
    if (++n === 150) break
  }
  for (const header of [{ jku: canary.url }, { x5u: canary.url }, { kid: 'unknown', jku: canary.url }])
    await world.call('GET', '/api/users/push-token', { token: signed(key, goodClaims(target), header) })
  expect(canary.connections).toEqual([])
})

describe.each([301, 302, 303, 307, 308])('S8: a redirect (%i)', (status) => {
  test('of Expo, and of the collector, is not followed', async () => {
    const headers = { location: `${canary.url}/stolen` }
    for (const one of [expo!, collector!]) one.instead = { status, headers }
    const before = expo!.asked
    await world.operator('POST', '/api/notifications', { json: { to: { users: ['ana'] }, title: 'Hello' } })
    await until('Expo to be asked', () => expo!.asked > before)
    expect(canary.connections).toEqual([])
    for (const one of [expo!, collector!]) one.instead = undefined
  })
})

test('S8: from the first moment to this it has connected to the three addresses of its settings only', async () => {
  await until('spans to be sent', () => collector!.asked > 0)
  expect(issuer!.asked).toBeGreaterThan(0)
  const others = destinations().filter(
    (to) => ![...allowed(), '127.0.0.1'].includes(String(to)) && !isOwnLock(String(to)),
  )
  expect(others).toEqual([])
  expect(
    [...expo!.strayed, ...issuer!.strayed, ...collector!.strayed].filter((path) => path.includes('stolen')),
  ).toEqual([])
  expect(canary.connections).toEqual([])
})

/** The socket that guards the folder of the embedded database. */
const isOwnLock = (to: string) => to.startsWith('/') || to.startsWith('\0')

describe('S8: a setting that is an address', () => {
  const source = readFileSync(join(import.meta.dirname, '..', '..', 'src', 'config.ts'), 'utf8')
  const names = [...source.matchAll(/^ {2}([A-Z_]+): httpUrl\(/gm)].map(([, name = '']) => name)
  const schemes = [
    'file:///etc/passwd',
    'ftp://h/send',
    'gopher://h/send',
    'javascript:alert(1)/send',
    'data:,/send',
    'unix:/run/send',
    'ws://h/send',
  ]
  const parts = [
    'http://user:sesame@h/send',
    'http://sesame@h/send',
    'http://h/send#f',
    '//h/send',
    'h/send',
    'http://',
    'http:///send',
  ]
  test.each(names)('%s takes http and https, and no user, password or fragment', (name) => {
    for (const value of [...schemes, ...parts]) {
      let fault: unknown
      try {
        readConfig({ [name]: value }, import.meta.dirname)
      } catch (error) {
        fault = error
      }
      // Three slashes are two to a browser, and to Node: that one is a good address of another host.
      if (value === 'http:///send' && fault === undefined) continue
      expect([value, fault]).toEqual([value, expect.any(ConfigFault)])
      expect(String(fault)).toContain(name)
      expect(String(fault)).not.toContain('sesame')
    }
  })

  test('is one of these', () => {
    expect(names).toEqual(expect.arrayContaining(['EXPO_PUSH_URL', 'JWKS_URL']))
  })
})
