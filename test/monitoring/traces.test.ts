/** Traces from the caller to Expo, at a collector of the test's own; and nothing of it where nobody set one. */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../kit/guard.ts'
import { startServer } from '../kit/server.ts'
import { openWorld, type World } from '../kit/world.ts'
import { type CollectedSpan, type Collector, openCollector } from './collector.ts'

const SERVER = 2
const CLIENT = 3
const CONSUMER = 5
const words = 'words that stand in no trace'

const NODE_OPTIONS = `--import=${join(import.meta.dirname, 'loaded.mjs')}`

let collector: Collector
let world: World
beforeAll(async () => {
  collector = await openCollector()
  world = await openWorld({
    database: 'pglite',
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-key=a%20secret%20of%20the%20collector',
      OTEL_SERVICE_NAME: 'bells',
      NODE_OPTIONS,
    },
  })
})
afterAll(async () => {
  await world.close()
  await collector.close()
})

const spanNamed = (name: string, traceId?: string): CollectedSpan | undefined =>
  collector.spans.find((span) => span.name === name && (traceId === undefined || span.traceId === traceId))
const untilSpan = (name: string, traceId?: string) =>
  until(`a span ${name}`, () => spanNamed(name, traceId), { timeoutMs: 60_000 })

const fromCaller = { trace: 'a3ce929d0e0e47364bf92f3577b34da6', span: '00f067aa0ba902b7' }
const traceparent = `00-${fromCaller.trace}-${fromCaller.span}-01`

test("a direct message is one trace: the caller's, the API's, the worker's and Expo's", async () => {
  const [ana, ben] = [world.user('ana'), world.user('ben')]
  const token = await ben.register()
  const sent = await ana.call<{ notification_id: string }>('POST', '/message/send-message', {
    json: { receiver_id: 'ben', message_type: 'text', content: words },
    headers: { traceparent },
  })
  const expo = await untilSpan('POST push/send', fromCaller.trace)
  const work = await untilSpan('process send-direct', fromCaller.trace)
  const api = await untilSpan('POST /message/send-message', fromCaller.trace)
  expect([api.kind, work.kind, expo.kind]).toEqual([SERVER, CONSUMER, CLIENT])
  expect([api.parentSpanId, work.parentSpanId, expo.parentSpanId]).toEqual([fromCaller.span, api.spanId, work.spanId])
  expect(api.attributes).toMatchObject({
    'http.route': '/message/send-message',
    'http.response.status_code': 200,
    'belfry.request.id': sent.headers['request-id'],
  })
  expect(work.attributes).toMatchObject({ 'belfry.notification.id': sent.body.notification_id })
  expect(expo.attributes).toMatchObject({ 'belfry.outcome': 'tickets', 'belfry.recipients': 1 })
  expect(api.service).toBe('bells')
  expect(collector.requests[0]).toMatchObject({
    path: '/v1/traces',
    headers: { 'x-key': 'a secret of the collector' },
  })
  for (const secret of [words, token, ana.token, ben.token]) expect(collector.text()).not.toContain(secret)
})

test('a chunk of a broadcast begins a trace of its own, linked to the request that asked for it', async () => {
  const posted = await world.user('ana').post({ title: words })
  const api = await untilSpan('POST /api/posts/')
  const chunk = await untilSpan('process send-broadcast')
  const expo = await untilSpan('POST push/send', chunk.traceId)
  expect(posted.status).toBe(200)
  expect(api.parentSpanId).toBeFalsy()
  expect(chunk.traceId).not.toBe(api.traceId)
  expect(chunk.links).toMatchObject([{ traceId: api.traceId, spanId: api.spanId }])
  expect(expo.parentSpanId).toBe(chunk.spanId)
})

test('a traceparent that is none begins a trace; what the caller does not sample is not sampled', async () => {
  const ana = world.user('ana')
  const unsampled = 'b3ce929d0e0e47364bf92f3577b34da6'
  const odd = ['nonsense', `00-${'0'.repeat(32)}-${fromCaller.span}-01`, `ff-${fromCaller.trace}-${fromCaller.span}-01`]
  for (const header of [`00-${unsampled}-${fromCaller.span}-00`, ...odd])
    expect((await ana.call('GET', '/api/posts/', { headers: { traceparent: header } })).status).toBe(200)
  await until('three traces', () => collector.spans.filter((span) => span.name === 'GET /api/posts/').length === 3, {
    timeoutMs: 60_000,
  })
  expect(spanNamed('GET /api/posts/', unsampled)).toBeUndefined()
  expect(spanNamed('GET /api/posts/', fromCaller.trace)).toBeUndefined()
})

test('what is left is sent before the process ends', async () => {
  await world.user('ana').call('GET', '/api/users/me/mutes')
  expect(await world.server.stop()).toBe(0)
  expect(spanNamed('GET /api/users/me/mutes')).toBeDefined()
})

test('a collector that is away keeps nobody up', async () => {
  const server = await startServer({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' } })
  const answer = await fetch(`${server.url}/api/users/me/mutes`)
  expect(answer.status).toBe(401)
  expect(await server.stop()).toBe(0)
})

test('where no collector is set nothing of OpenTelemetry is loaded but the names that the metrics bring', async () => {
  const loaded = (lines: string[]) => new Set(lines.filter((line) => line.startsWith('loads ')))
  expect(loaded(world.server.lines).size).toBeGreaterThan(4)
  const server = await startServer({ env: { NODE_OPTIONS } })
  expect([...loaded(server.lines)]).toEqual(['loads @opentelemetry/api'])
  await server.stop()
})
