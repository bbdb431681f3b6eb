/** What is counted of the facts. Labels are words from short lists, or route patterns: no user, no token, no address. */
import { Counter, Histogram, type Registry } from 'prom-client'
import type { Emit, Facts, Lane } from '../ports.ts'
import { QUEUE_NAMES } from '../store/schema/jobs.ts'

type Counting = { [Name in keyof Facts]?: (fact: Facts[Name]) => void }

const HTTP_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const EXPO_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
/** What a request to Expo comes to. */
const outcomes = ['accepted', 'ambiguous', 'not_sent', 'rate_limited', 'refused', 'unauthorized'] as const
const lanes = ['direct', 'broadcast'] as const satisfies Lane[]
/** Anything else that a client may invent as a method is one. */
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

export function countFacts(registry: Registry): Emit {
  const counting: Counting = {
    ...ofHttp(registry),
    ...ofRequests(registry),
    ...ofReceipts(registry),
    ...ofNotifications(registry),
    ...ofTokens(registry),
    ...ofTroubles(registry),
  }
  return (name, fact) => counting[name]?.(fact)
}

function ofHttp(registry: Registry): Counting {
  const count = counterIn(registry)
  const requests = count('http_requests_total', 'HTTP requests answered.', ['method', 'route', 'status'])
  const seconds = new Histogram({
    name: 'belfry_http_request_duration_seconds',
    help: 'From the request to the end of its answer; streams of events are left out.',
    labelNames: ['method', 'route'],
    buckets: HTTP_SECONDS,
    registers: [registry],
  })
  return {
    'http.answered': ({ method: asked, route = 'unknown', status, ms }) => {
      const method = methods.has(asked) ? asked : 'other'
      requests.inc({ method, route, status })
      if (!route.endsWith('/events')) seconds.observe({ method, route }, ms / 1_000)
    },
  }
}

function ofRequests(registry: Registry): Counting {
  const count = counterIn(registry)
  const requests = count('expo_requests_total', 'Requests that send, by what came of them.', ['lane', 'outcome'])
  const tickets = count('tickets_total', "Expo's answers about single recipients.", ['verdict', 'code'])
  const unknown = count('recipients_unknown_total', 'Recipients about whom nobody will ever know.', ['lane'])
  const seconds = expoSeconds(registry, 'expo_request_duration_seconds', 'How long Expo took for requests that send.')
  for (const lane of lanes) {
    for (const outcome of outcomes) requests.inc({ lane, outcome }, 0)
    unknown.inc({ lane }, 0)
  }
  const came = (lane: Lane, outcome: (typeof outcomes)[number], ms: number) => {
    requests.inc({ lane, outcome })
    seconds.observe({ lane }, ms / 1_000)
  }
  return {
    'request.settled': ({ lane, accepted, ms, codes }) => {
      came(lane, 'accepted', ms)
      tickets.inc({ verdict: 'accepted', code: '' }, accepted)
      for (const [code, n] of Object.entries(codes)) tickets.inc({ verdict: 'refused', code }, n)
    },
    'request.refused': ({ lane, status, ms }) =>
      came(lane, status === 401 || status === 403 ? 'unauthorized' : 'refused', ms),
    'request.failed': ({ lane, ambiguous, status, ms }) =>
      came(lane, ambiguous ? 'ambiguous' : status === undefined ? 'not_sent' : 'rate_limited', ms),
    'recipients.unknown': ({ lane, count: n }) => unknown.inc({ lane }, n),
  }
}

function ofReceipts(registry: Registry): Counting {
  const count = counterIn(registry)
  const requests = count('expo_receipt_requests_total', 'Rounds of asking for receipts.', ['outcome'])
  const receipts = count('receipts_total', 'Receipts, and tickets that never got one.', ['verdict', 'code'])
  const seconds = expoSeconds(registry, 'expo_receipt_request_duration_seconds', 'How long Expo took for receipts.', [])
  for (const outcome of ['answered', 'failed']) requests.inc({ outcome }, 0)
  return {
    'receipts.settled': ({ handedOver, failed: _, noReceipt, ms, codes }) => {
      requests.inc({ outcome: 'answered' })
      seconds.observe(ms / 1_000)
      receipts.inc({ verdict: 'handed_over', code: '' }, handedOver)
      receipts.inc({ verdict: 'no_receipt', code: '' }, noReceipt)
      for (const [code, n] of Object.entries(codes)) receipts.inc({ verdict: 'failed', code }, n)
    },
    'receipts.failed': ({ ms }) => {
      requests.inc({ outcome: 'failed' })
      seconds.observe(ms / 1_000)
    },
  }
}

function ofNotifications(registry: Registry): Counting {
  const count = counterIn(registry)
  const ended = count('notifications_ended_total', 'Notifications that have ended.', ['lane', 'state', 'skip_reason'])
  const without = count('users_without_token_total', 'Users who were to be told, and have no device.')
  return {
    'notifications.ended': ({ lane, state, skipReason, count: n }) =>
      ended.inc({ lane, state, skip_reason: skipReason ?? '' }, n),
    'user.without_token': () => without.inc(),
  }
}

function ofTokens(registry: Registry): Counting {
  const count = counterIn(registry)
  const retired = count('push_tokens_retired_total', 'Push tokens that Expo called dead.', ['stage'])
  const suspended = count('push_tokens_suspended_total', 'Push tokens suspended for credentials that were refused.')
  const restored = count('push_tokens_restored_total', 'Suspended push tokens that came back by a probe.')
  const floods = count('floods_total', 'Floods of dead push tokens that were not believed.')
  for (const stage of ['ticket', 'receipt']) retired.inc({ stage }, 0)
  return {
    'token.retired': ({ stage }) => retired.inc({ stage }),
    'tokens.suspended': ({ count: n }) => suspended.inc(n),
    'tokens.restored': ({ count: n }) => restored.inc(n),
    'flood.held': () => floods.inc(),
  }
}

function ofTroubles(registry: Registry): Counting {
  const count = counterIn(registry)
  const openings = count('breaker_openings_total', 'How often sending to a project was paused.')
  const jobs = count('job_failures_total', 'Jobs that met a bug, and were put off.', ['queue'])
  for (const name of QUEUE_NAMES) jobs.inc({ queue: name }, 0)
  const queue = count('queue_errors_total', 'Errors of the queue.')
  const database = count('database_errors_total', 'Errors of connections to the database.')
  return {
    'breaker.opened': () => openings.inc(),
    'job.failed': ({ queue: name }) => jobs.inc({ queue: name }),
    'queue.error': () => queue.inc(),
    'database.error': () => database.inc(),
  }
}

function counterIn(registry: Registry) {
  return <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
    new Counter({ name: `belfry_${name}`, help, labelNames, registers: [registry] })
}

function expoSeconds(registry: Registry, name: string, help: string, labelNames: string[] = ['lane']) {
  return new Histogram({ name: `belfry_${name}`, help, labelNames, buckets: EXPO_SECONDS, registers: [registry] })
}
