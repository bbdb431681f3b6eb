/** The HTTP server: what every route has in common. It listens only when told to. */
import { randomUUID } from 'node:crypto'
import helmet from '@fastify/helmet'
import { fastify, type FastifyBaseLogger, type FastifyInstance, type FastifyPluginAsync, LogController } from 'fastify'
import { validatorCompiler } from 'fastify-type-provider-zod'
import type { Texts } from '../domain/texts.ts'
import type { Emit } from '../ports.ts'
import type { Database } from '../store/open.ts'
import { acquaintances } from './acquaintances.ts'
import { guardRoutes, type ServerCaller } from './callers.ts'
import { consoleRoutes } from './console/routes.ts'
import { openSessions, type Sessions } from './console/session.ts'
import { answerError, answerExpectations, answerOnSocket, setErrorHandlers } from './errors.ts'
import { type JwtSettings, jwtVerifier } from './jwt.ts'
import { controlRoutes } from './notify/control.ts'
import { eventRoutes } from './notify/events.ts'
import { notificationRoutes } from './notify/routes.ts'
import { alarmRoutes } from './operator/alarms.ts'
import { nowRoutes } from './operator/now.ts'
import { peopleRoutes } from './operator/people.ts'
import { tokenRoutes } from './operator/tokens.ts'
import { healthRoutes } from './routes/health.ts'
import { homeRoutes } from './routes/home.ts'
import { messageRoutes } from './routes/messages.ts'
import { postRoutes } from './routes/posts.ts'
import { pushTokenRoutes } from './routes/push-tokens.ts'
import { testPushRoutes } from './routes/test-push.ts'
import { wishRoutes } from './routes/wishes.ts'
import { endStreams } from './stream.ts'
import { checkShape } from './text.ts'

export interface ApiOptions {
  database: Database
  emit: Emit
  log: FastifyBaseLogger
  version: string
  startedAt: Date
  mode: 'sandbox' | 'expo'
  jwt: JwtSettings
  operatorKey: string
  texts: Texts
  ttlSeconds: number
  openTestPush: boolean
  /** How often one push token may change hands in a day; null: as often as it likes. */
  movesPerDay: number | null
  /** Whether work is taken from the queue; false while starting and stopping. */
  isWorking(): boolean
  mounts: Mount[]
  /** Notifications a second that Expo is given at most; 0: no limit. */
  rateLimit?: number
  /** Where the built console lies. */
  consoleDir?: string
  /** Whose key another backend shows. */
  findServer?: (key: string) => Promise<ServerCaller | undefined>
}

/** A room of its own under a prefix, such as the sandbox. Its routes declare their callers as ours do. */
export interface Mount {
  prefix: string
  plugin: FastifyPluginAsync
}

export const BODY_LIMIT_BYTES = 256 * 1024
/** Node's defaults let slow clients sit for minutes; an honest phone has sent its request in a second or two. */
const HEADERS_TIMEOUT_MS = 8_000
const REQUEST_TIMEOUT_MS = 12_000
const CHECK_TIMEOUTS_EVERY_MS = 1_000
/** Longer than a test push may wait; whoever neither reads nor writes for so long is cut off. */
const IDLE_TIMEOUT_MS = 15_000
const KEEP_ALIVE_MS = 10_000
const MAX_HEADER_BYTES = 16 * 1024

export async function openServer(options: ApiOptions): Promise<FastifyInstance> {
  const app: FastifyInstance = fastify({
    loggerInstance: options.log,
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
    forceCloseConnections: 'idle',
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply),
    clientErrorHandler: answerOnSocket,
  })
  answerExpectations(app.server)
  setErrorHandlers(app)
  app.setValidatorCompiler(validatorCompiler)
  app.removeContentTypeParser('text/plain')
  await app.register(helmet, {
    global: true,
    contentSecurityPolicy: { useDefaults: false, directives: contentSources },
  })
  const sessions = openSessions(options.operatorKey, Date.now)
  guardRoutes(app, {
    verifyJwt: jwtVerifier(options.jwt),
    operatorKey: options.operatorKey,
    meet: acquaintances(options.database.db, Date.now),
    hasSession: (request) => sessions.has(request),
    ...(options.findServer && { findServer: options.findServer }),
  })
  app.addHook('preClose', async () => endStreams())
  app.addHook('onRequest', async (request, reply) => void reply.header('Request-Id', request.id))
  await app.register(async (own) => addRoutes(own, options, sessions))
  for (const { prefix, plugin } of options.mounts) await app.register(plugin, { prefix })
  return app
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

async function addRoutes(app: FastifyInstance, options: ApiOptions, sessions: Sessions): Promise<void> {
  app.addHook('preValidation', async (request) => checkShape(request.body))
  await app.register(async (scope) => homeRoutes(scope, options))
  await app.register(async (scope) => healthRoutes(scope, options))
  await app.register(async (scope) => pushTokenRoutes(scope, options))
  await app.register(async (scope) => postRoutes(scope, options))
  await app.register(async (scope) => messageRoutes(scope, options))
  await app.register(async (scope) => testPushRoutes(scope, options))
  await app.register(async (scope) => wishRoutes(scope, options))
  await app.register(async (scope) => notificationRoutes(scope, options))
  await app.register(async (scope) => controlRoutes(scope, options))
  await app.register(async (scope) => eventRoutes(scope, options))
  await app.register(async (scope) => peopleRoutes(scope, options))
  await app.register(async (scope) => alarmRoutes(scope, options))
  await app.register(async (scope) => nowRoutes(scope, options))
  await app.register(async (scope) => tokenRoutes(scope, options))
  await app.register(async (scope) => consoleRoutes(scope, options, sessions))
}
