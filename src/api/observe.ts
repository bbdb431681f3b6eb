/** What is told of every request: its id in each line of the log, its time, and its trace when there are traces. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Emit, Tracing } from '../ports.ts'

export interface Observers {
  emit: Emit
  /** Runs `go` so that every line that is logged meanwhile carries the request's id. */
  inRequest?: (id: string, go: () => void) => void
  /** Without it there are no traces. */
  tracing?: Tracing | undefined
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The span of this request, as what it sets off continues it. */
    trace: string | undefined
  }
}

export function observeRequests(app: FastifyInstance, { emit, inRequest, tracing }: Observers): void {
  app.decorateRequest('trace', undefined)
  if (inRequest) app.addHook('onRequest', (request, _reply, done) => inRequest(request.id, done))
  if (tracing) traceRequests(app, tracing)
  app.addHook('onRequest', async (request, reply) => void reply.header('Request-Id', request.id))
  app.addHook('onResponse', (request, reply, done) => {
    const { method, id: requestId } = request
    emit('http.answered', {
      method,
      route: routeOf(request),
      status: reply.statusCode,
      ms: reply.elapsedTime,
      requestId,
    })
    done()
  })
}

function routeOf({ is404, routeOptions }: FastifyRequest): string | undefined {
  return is404 ? undefined : routeOptions.url
}

/** What people and backends ask for; not what is polled, nor pages and streams. */
const TRACED = /^\/(api|message|test-push-notification|hooks)\/(?!.*\/events$)/

function traceRequests(app: FastifyInstance, tracing: Tracing): void {
  const spans = new WeakMap<FastifyRequest, ReturnType<Tracing['begin']>>()
  app.addHook('onRequest', (request, _reply, done) => {
    const route = routeOf(request)
    if (route !== undefined && TRACED.test(route)) {
      const { traceparent } = request.headers
      const span = tracing.begin(`${request.method} ${route}`, {
        kind: 'server',
        parent: typeof traceparent === 'string' ? traceparent : undefined,
        attributes: { 'http.request.method': request.method, 'http.route': route, 'belfry.request.id': request.id },
      })
      spans.set(request, span)
      request.trace = span.traceparent
    }
    done()
  })
  app.addHook('onResponse', (request, reply, done) => {
    const { statusCode } = reply
    spans.get(request)?.end({
      attributes: { 'http.response.status_code': statusCode },
      ...(statusCode >= 500 && { failure: String(statusCode) }),
    })
    done()
  })
}
