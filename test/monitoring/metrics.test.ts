/** /metrics after real traffic: names and units, who may ask, labels that do not grow; and all that dashboards name. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../kit/guard.ts'
import { newPushToken, openWorld, type World } from '../kit/world.ts'

/** Swagger's own reader of YAML: nothing is installed for these tests alone. */
const yaml = createRequire(createRequire(import.meta.url).resolve('@fastify/swagger'))('yaml') as {
  parse: (text: string) => unknown
}
const deploy = join(import.meta.dirname, '..', '..', 'deploy')
const rulesFile = join(deploy, 'prometheus', 'alerts.yml')
const title = 'a title that stands in no metric'

let world: World
const secrets: string[] = [title]
beforeAll(async () => {
  world = await openWorld({
    database: 'pglite',
    env: { RECEIPT_DELAY_MS: '200', EXPO_RATE_LIMIT: '600' },
    fake: { receiptAfterMs: 0 },
  })
  await traffic()
})
afterAll(() => world.close())

/** What goes well, what Expo refuses, and what it fails at. */
async function traffic(): Promise<void> {
  const [ana, ben, eve] = [world.user('ana-of-the-metrics'), world.user('ben-of-the-metrics'), world.user('eve')]
  const gone = newPushToken()
  const lost = newPushToken()
  await world.expo.plan({
    ticketCodes: { [gone]: 'DeviceNotRegistered' },
    receiptCodes: { [lost]: 'MessageRateExceeded' },
    next: ['status429', 'status500'],
  })
  for (const push_token of [gone, lost]) await eve.register({ push_token, device_type: 'ios' })
  const token = await ben.register()
  secrets.push(ana.id, ben.id, ben.token, token, gone, lost)
  await ana.message(ben, title)
  await ana.message('nobody-of-the-metrics', title)
  await ana.post({ title })
  await world.call('GET', `/an-address/that-is-nowhere/${ana.id}?token=${token}`)
  await world.drain()
  await world.server.untilLogged(/^Removed invalid token/)
}

const scrape = async () => (await world.call('GET', '/metrics')).text

/** One number of the last scrape; labels in any order. */
function valueOf(text: string, name: string, labels: Record<string, string> = {}): number | undefined {
  for (const line of text.split('\n')) {
    const [, found, all = '', value] = /^([a-zA-Z_:]\w*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
    if (found === name && Object.entries(labels).every(([key, said]) => all.includes(`${key}="${said}"`)))
      return Number(value)
  }
  return undefined
}

test('counts what happened', async () => {
  const text = await until(
    'receipts',
    async () => {
      const now = await scrape()
      const failed = valueOf(now, 'belfry_receipts_total', { verdict: 'failed', code: 'MessageRateExceeded' })
      return failed === 1 && valueOf(now, 'belfry_receipts_total', { verdict: 'handed_over' }) === 2 && now
    },
    { timeoutMs: 60_000, everyMs: 500 },
  )
  const value = (name: string, labels = {}) => valueOf(text, `belfry_${name}`, labels)
  expect(value('http_requests_total', { method: 'POST', route: '/message/send-message', status: '200' })).toBe(2)
  expect(value('http_requests_total', { method: 'GET', route: 'unknown', status: '404' })).toBe(1)
  expect(value('http_request_duration_seconds_count', { route: '/api/posts/' })).toBe(1)
  const requests = (outcome: string) =>
    value('expo_requests_total', { lane: 'direct', outcome })! +
    value('expo_requests_total', { lane: 'broadcast', outcome })!
  expect(requests('rate_limited')).toBe(1)
  expect(requests('ambiguous')).toBe(1)
  expect(requests('accepted')).toBeGreaterThan(0)
  expect(value('tickets_total', { verdict: 'accepted' })).toBe(3)
  expect(value('tickets_total', { verdict: 'refused', code: 'DeviceNotRegistered' })).toBe(1)
  expect(value('push_tokens_retired_total', { stage: 'ticket' })).toBe(1)
  expect(value('users_without_token_total')).toBe(1)
  expect(value('notifications_ended_total', { lane: 'direct', state: 'finished', skip_reason: 'no_push_token' })).toBe(
    1,
  )
  expect(value('notifications_ended_total', { lane: 'broadcast', state: 'finished' })).toBe(1)
  expect(value('pace_limit', { project: 'none' })).toBeLessThanOrEqual(600)
  expect(value('expo_receipt_requests_total', { outcome: 'answered' })).toBeGreaterThan(0)
  expect(value('database_up')).toBe(1)
  expect(value('build_info', { mode: 'expo', role: 'all' })).toBe(1)
})

test('push tokens are counted by platform and state, beside the scrapes', async () => {
  const text = await until('a count', async () => {
    const now = await scrape()
    return now.includes('belfry_push_tokens{') && now
  })
  const count = (platform: string, state: string) => valueOf(text, 'belfry_push_tokens', { platform, state })
  expect([count('android', 'active'), count('ios', 'active'), count('ios', 'retired')]).toEqual([1, 1, 1])
})

test('names and units are those of the conventions', async () => {
  const types = [...(await scrape()).matchAll(/^# TYPE (belfry_\w+) (\w+)$/gm)]
  expect(types.length).toBeGreaterThan(25)
  const faults = types.flatMap(([, name = '', type = '']) => [
    ...(name.endsWith('_total') === (type === 'counter') ? [] : [`${name} is a ${type}`]),
    ...(/_(ms|millis|milliseconds|minutes|percent|kb|mb)(_|$)/.test(name) ? [`${name} has no base unit`] : []),
    ...(type === 'histogram' && !name.endsWith('_seconds') ? [`${name} names no unit`] : []),
  ])
  expect(faults).toEqual([])
})

test('who is not on this machine needs the operator key, and who comes through a proxy is not', async () => {
  const ask = (headers: Record<string, string>) => world.call('GET', '/metrics', { headers })
  expect((await ask({})).headers['content-type']).toContain('text/plain; version=0.0.4')
  const proxied = { 'x-forwarded-for': '127.0.0.1', forwarded: 'for=127.0.0.1', host: 'evil.example' }
  for (const [name, value] of Object.entries(proxied)) expect((await ask({ [name]: value })).status).toBe(401)
  const far = { 'x-forwarded-for': '203.0.113.7' }
  expect((await world.operator('GET', '/metrics', { headers: far })).status).toBe(200)
  expect((await world.call('GET', '/metrics', { headers: far, token: world.user('ana').token })).status).toBe(403)
})

test('no user, no token, no text and no address is in it, whatever is asked for', async () => {
  const routes = async () => (await scrape()).split('\n').filter((line) => line.includes('route="')).length
  const before = await routes()
  for (let i = 0; i < 50; i++) {
    await world.call('GET', `/nowhere/${i}`)
    await world.call('GET', `/message/${i}`, { token: world.user(`somebody-${i}`).token })
  }
  const text = await scrape()
  // The one route that was not asked before.
  expect((await routes()) - before).toBeLessThan(25)
  expect(secrets.filter((secret) => text.includes(secret))).toEqual([])
})

const metricNames = (expression: string) =>
  [...expression.matchAll(/\b(belfry_\w+|nodejs_\w+|process_\w+)/g)].map(([name]) => name)

interface Rules {
  groups: { rules: { alert: string; expr: string; annotations: { summary: string; description: string } }[] }[]
}

test('every metric that the alert rules and the dashboard name is in a real scrape', async () => {
  const text = await scrape()
  const { groups } = yaml.parse(readFileSync(rulesFile, 'utf8')) as Rules
  const rules = groups.flatMap((group) => group.rules)
  expect(rules.length).toBeGreaterThan(10)
  for (const { alert, annotations } of rules) {
    expect(alert).toMatch(/^Belfry[A-Z]/)
    expect(Object.keys(annotations)).toEqual(['summary', 'description'])
  }
  const dashboard = readFileSync(join(deploy, 'grafana', 'belfry.json'), 'utf8')
  const expressions = [...dashboard.matchAll(/"(?:expr|query)": ("(?:[^"\\]|\\.)*")/g)].map(
    ([, found = '""']) => JSON.parse(found) as string,
  )
  expect(expressions.length).toBeGreaterThan(30)
  const named = [...rules.map((rule) => rule.expr), ...expressions].flatMap(metricNames)
  const known = new Set([...text.matchAll(/^([a-zA-Z_:]\w*)[{ ]/gm)].map(([, name]) => name))
  expect([...new Set(named)].filter((name) => !known.has(name))).toEqual([])
})

test('every metric of ours is in docs/monitoring.md', async () => {
  const docs = readFileSync(join(deploy, '..', 'docs', 'monitoring.md'), 'utf8')
  const ours = [...(await scrape()).matchAll(/^# TYPE (belfry_\w+)/gm)].map(([, name = '']) => name)
  const told = new Set([...docs.matchAll(/`(belfry_\w+)/g)].map(([, name]) => name))
  expect(ours.filter((name) => !told.has(name))).toEqual([])
  expect([...told].filter((name) => !ours.includes(name!))).toEqual([])
})

const promtool = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'promtool'))

test.runIf(promtool.some(existsSync))('promtool finds nothing wrong with the rules', () => {
  execFileSync('promtool', ['check', 'rules', rulesFile])
})
