/** An HTTP server before it has any routes: what it does with slow, large and broken requests, and its headers. */
import { randomUUID } from 'node:crypto'
import { Socket } from 'node:net'
import helmet from '@fastify/helmet'
import { type FastifyBaseLogger, type FastifyInstance, type FastifyRequest, fastify, LogController } from 'fastify'
import { validatorCompiler } from 'fastify-type-provider-zod'
import { answerError, answerExpectations, answerOnSocket, SAFE_HEADERS, setErrorHandlers } from './errors.ts'
import { Fault } from './faults.ts'
import { readJson } from './json.ts'

export interface ListenerOptions {
  log: FastifyBaseLogger
  /** Whose X-Forwarded-For is believed: so many hops, or these addresses; nobody's by default. */
  trustProxy?: number | string[]
}

const BODY_LIMIT_BYTES = 256 * 1024
/** Node's defaults let slow clients sit for minutes; an honest phone has sent its request in a second or two. */
const HEADERS_TIMEOUT_MS = 8_000
const REQUEST_TIMEOUT_MS = 12_000
const CHECK_TIMEOUTS_EVERY_MS = 1_000
/** Longer than a test push may wait; whoever neither reads nor writes for so long is cut off. */
const IDLE_TIMEOUT_MS = 15_000
/** For whoever does not read their answer. It passes twice, because what the kernel takes at first counts as being read. */
const UNREAD_TIMEOUT_MS = 5_000
const KEEP_ALIVE_MS = 10_000
const MAX_HEADER_BYTES = 16 * 1024

export async function newListener({ log, trustProxy }: ListenerOptions): Promise<FastifyInstance> {
  const app: FastifyInstance = fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    bodyLimit: BODY_LIMIT_BYTES,
    routerOptions: { maxParamLength: 512, ignoreTrailingSlash: true },
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: IDLE_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    http: {
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: CHECK_TIMEOUTS_EVERY_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      requireHostHeader: false,
    },
    return503OnClosing: false,
    trustProxy: trusted(trustProxy),
    forceCloseConnections: 'idle',
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply.headers(SAFE_HEADERS)),
    clientErrorHandler: answerOnSocket,
  })
  answerExpectations(app.server)
  setErrorHandlers(app)
  app.setValidatorCompiler(validatorCompiler)
  app.removeContentTypeParser('text/plain')
  readJson(app)
  await app.register(helmet, {
    global: true,
    contentSecurityPolicy: { useDefaults: false, directives: contentSources },
  })
  app.addHook('onRequest', async (request, reply) => {
    reply.header('Cache-Control', 'no-store')
    allowSilence(request, IDLE_TIMEOUT_MS)
    if (!hasOneHost(request)) return answerError(new Fault('bad_http'), request, reply)
  })
  app.addHook('onSend', async (request) => allowSilence(request, UNREAD_TIMEOUT_MS))
  return app
}

/** While an answer is made, or read, nothing has to be heard for so long. */
function allowSilence({ raw }: FastifyRequest, ms: number): void {
  if (raw.socket instanceof Socket) raw.socket.setTimeout(ms)
}

/** In a large installation tables are read through for minutes. Node's fetch waits no longer for an answer. */
const LONGEST_MS = 300_000

/** Once it is known who asks, and that they may: nobody else can sit here for so long. */
export const takeYourTime = (request: FastifyRequest): void => allowSilence(request, LONGEST_MS)

/** Of two hosts a proxy may have looked at the other one. Programs older than HTTP/1.1 name none. */
function hasOneHost({ raw }: FastifyRequest): boolean {
  const { rawHeaders, httpVersion } = raw
  const hosts = rawHeaders.filter((_, n) => n % 2 === 1 && rawHeaders[n - 1]?.toLowerCase() === 'host')
  if (hosts.length === 0) return httpVersion === '1.0'
  return hosts.length === 1 && /^[\w.-]*(:\d+)?$|^\[[\da-fA-F:.]+\](:\d+)?$/.test(hosts[0] ?? '')
}

/** Pages bring everything with them, and nothing of theirs runs inline. */
const contentSources = {
  defaultSrc: ["'self'"],
  imgSrc: ["'self'", 'data:'],
  objectSrc: ["'none'"],
  baseUri: ["'none'"],
  formAction: ["'self'"],
  frameAncestors: ["'none'"],
}

/** A number of hops counts from here: the last entry of X-Forwarded-For is what the nearest proxy has seen. */
function trusted(
  proxies: ListenerOptions['trustProxy'] = 0,
): string[] | false | ((address: string, hop: number) => boolean) {
  if (typeof proxies !== 'number') return proxies
  return proxies === 0 ? false : (_address, hop) => hop < proxies
}
