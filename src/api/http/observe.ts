/** What is told of every request: its id in each line of the log, its time, and its trace when there are traces. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Emit, Foreground, Tracing } from '../../ports.ts'

export interface Observers {
  emit: Emit
  /** Runs `go` so that every line that is logged meanwhile carries the request's id. */
  inRequest?: (id: string, go: () => void) => void
  /** Without it there are no traces. */
  tracing?: Tracing | undefined
  /** Is told of requests that are being answered; undefined where nothing in this process waits for them. */
  foreground?: Foreground | undefined
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The span of this request, as what it sets off continues it. */
    trace: string | undefined
  }
}

export function observeRequests(app: FastifyInstance, { emit, inRequest, tracing, foreground }: Observers): void {
  app.decorateRequest('trace', undefined)
  if (inRequest) app.addHook('onRequest', (request, _reply, done) => inRequest(request.id, done))
  if (tracing) traceRequests(app, tracing)
  if (foreground) observeAsked(app, () => foreground.enter())
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

/** What people and backends ask for; not health and metrics, nor pages and streams. */
const ASKED = /^\/(api|message|test-push-notification|hooks)\/(?!.*\/events$)/

/** Calls `begin` when such a request comes, and what that returned when it has been answered. */
function observeAsked(
  app: FastifyInstance,
  begin: (request: FastifyRequest, route: string) => (statusCode: number) => void,
): void {
  const ends = new WeakMap<FastifyRequest, (statusCode: number) => void>()
  app.addHook('onRequest', (request, _reply, done) => {
    const route = routeOf(request)
    if (route !== undefined && ASKED.test(route)) ends.set(request, begin(request, route))
    done()
  })
  app.addHook('onResponse', (request, { statusCode }, done) => {
    ends.get(request)?.(statusCode)
    done()
  })
}

function traceRequests(app: FastifyInstance, tracing: Tracing): void {
  observeAsked(app, (request, route) => {
    const { traceparent } = request.headers
    const span = tracing.begin(`${request.method} ${route}`, {
      kind: 'server',
      parent: typeof traceparent === 'string' ? traceparent : undefined,
      attributes: { 'http.request.method': request.method, 'http.route': route, 'belfry.request.id': request.id },
    })
    request.trace = span.traceparent
    return (statusCode) =>
      span.end({
        attributes: { 'http.response.status_code': statusCode },
        ...(statusCode >= 500 && { failure: String(statusCode) }),
      })
  })
}
