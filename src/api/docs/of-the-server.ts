/** The routes about the server itself, in the words of the OpenAPI document. */
import type { RouteDoc } from './route-doc.ts'
import { object, oneOf, ref, text } from './schemas.ts'

const tag = 'Server'
const started = '2026-01-31T09:00:00.000Z'

export const serverDocs: Record<string, RouteDoc> = {
  'GET /': {
    tag,
    summary: 'What this is, and where to go on',
    answer: object(
      {
        name: text,
        version: text,
        mode: oneOf('sandbox', 'expo'),
        health: text,
        ready: text,
        docs: text,
        console: text,
        sandbox: text,
      },
      ['sandbox'],
    ),
  },
  'GET /healthz': {
    tag,
    summary: 'Alive: the process answers',
    answer: ref('Health'),
    example: { status: 'ok', version: '0.1.0', started_at: started },
  },
  'GET /readyz': {
    tag,
    summary: 'Ready, degraded (it works, but somebody should look) or not ready',
    answer: ref('Readiness'),
    example: {
      status: 'degraded',
      mode: 'expo',
      version: '0.1.0',
      started_at: started,
      database: 'ok',
      queue: 'ok',
      reasons: [{ code: 'breaker_open', sentence: 'Sending is paused: Expo fails, or refuses the access token' }],
    },
    faults: ['not_ready'],
  },
  'GET /metrics': {
    tag,
    summary: 'For Prometheus',
    description: 'On this machine without a key; a request that came through a proxy is not from this machine.',
    contentType: 'text/plain',
    answer: text,
  },
  'GET /openapi.json': { tag, summary: 'This document', answer: { type: 'object' } },
}
