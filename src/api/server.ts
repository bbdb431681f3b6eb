/** The HTTP server: what every route has in common. It listens only when told to. */
import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import type { Texts } from '../domain/texts.ts'
import type { Database } from '../store/open.ts'
import { findServerKey } from '../store/server-keys.ts'
import { acquaintances } from './acquaintances.ts'
import { guardRoutes, type ServerCaller } from './callers.ts'
import { consoleRoutes } from './console/routes.ts'
import { openSessions, type Sessions } from './console/session.ts'
import { type JwtSettings, jwtVerifier } from './jwt.ts'
import { documentRoute, documentRoutes } from './docs/document.ts'
import { pageRoutes } from './docs/page.ts'
import { openLimits, type RateLimits } from './limits.ts'
import { type ListenerOptions, newListener } from './listener.ts'
import { controlRoutes } from './notify/control.ts'
import { eventRoutes } from './notify/events.ts'
import { notificationRoutes } from './notify/routes.ts'
import { alarmRoutes } from './operator/alarms.ts'
import { type Observers, observeRequests } from './observe.ts'
import { auditRoutes } from './operator/audit.ts'
import { nowRoutes } from './operator/now.ts'
import { keyRoutes } from './operator/keys.ts'
import { peopleRoutes } from './operator/people.ts'
import { tokenRoutes } from './operator/tokens.ts'
import { userRoutes } from './operator/users.ts'
import { allowOrigins } from './origins.ts'
import { healthRoutes } from './routes/health.ts'
import { homeRoutes } from './routes/home.ts'
import { metricsRoutes, type MetricsOptions } from './routes/metrics.ts'
import { messageRoutes } from './routes/messages.ts'
import { postRoutes } from './routes/posts.ts'
import { pushTokenRoutes } from './routes/push-tokens.ts'
import { testPushRoutes } from './routes/test-push.ts'
import { wishRoutes } from './routes/wishes.ts'
import { serverKeyFinder } from './server-keys.ts'
import { supabaseRoutes } from './hooks/supabase.ts'
import { endStreams } from './stream.ts'
import { checkShape } from './text.ts'
import type { Reason } from './vitals.ts'

export interface ApiOptions extends ListenerOptions, Observers, MetricsOptions {
  database: Database
  version: string
  startedAt: Date
  mode: 'sandbox' | 'expo'
  jwt: JwtSettings
  operatorKey: string
  /** What Supabase shows with its webhooks; without it there are none. */
  webhookSecret?: string
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
  /** Whose key another backend shows, when not the database is to be asked. */
  findServer?: (key: string) => Promise<ServerCaller | undefined>
  /** Without them nothing is limited. */
  rateLimits?: RateLimits
  /** What is wrong as long as the settings are as they are. */
  standing?: Reason[]
  /** Web pages that may call the routes of apps. */
  corsOrigins?: string[]
}

/** A room of its own under a prefix, such as the sandbox. Its routes declare their callers as ours do. */
export interface Mount {
  prefix: string
  plugin: FastifyPluginAsync
}

export async function openServer(options: ApiOptions): Promise<FastifyInstance> {
  const app = await newListener(options)
  observeRequests(app, options)
  const { db } = options.database
  const known = acquaintances(db, Date.now)
  const sessions = openSessions(options.operatorKey, Date.now)
  await documentRoutes(app, options.version)
  await allowOrigins(app, options.corsOrigins ?? [])
  guardRoutes(app, {
    verifyJwt: jwtVerifier(options.jwt),
    operatorKey: options.operatorKey,
    webhookSecret: options.webhookSecret,
    meet: (user) => known.meet(user),
    hasSession: (request) => sessions.has(request),
    findServer: options.findServer ?? serverKeyFinder((hash) => findServerKey(db, hash)),
    limits: await openLimits(app, options.rateLimits ?? noLimits),
  })
  app.addHook('preClose', async () => endStreams())
  await app.register(async (own) => addRoutes(own, options, sessions))
  await app.register(async (own) => userRoutes(own, options, known.forget))
  for (const { prefix, plugin } of options.mounts) await app.register(plugin, { prefix })
  return app
}

const noLimits: RateLimits = { perUser: 0, perKey: 0, perAddress: 0 }

async function addRoutes(app: FastifyInstance, options: ApiOptions, sessions: Sessions): Promise<void> {
  app.addHook('preValidation', async (request) => checkShape(request.body))
  await app.register(async (scope) => homeRoutes(scope, options))
  await app.register(async (scope) => healthRoutes(scope, options))
  await app.register(async (scope) => metricsRoutes(scope, options))
  await app.register(documentRoute)
  await app.register(pageRoutes)
  await app.register(async (scope) => pushTokenRoutes(scope, options))
  await app.register(async (scope) => postRoutes(scope, options))
  await app.register(async (scope) => messageRoutes(scope, options))
  await app.register(async (scope) => testPushRoutes(scope, options))
  await app.register(async (scope) => wishRoutes(scope, options))
  await app.register(async (scope) => supabaseRoutes(scope, options))
  await app.register(async (scope) => notificationRoutes(scope, options))
  await app.register(async (scope) => controlRoutes(scope, options))
  await app.register(async (scope) => eventRoutes(scope, options))
  await app.register(async (scope) => peopleRoutes(scope, options))
  await app.register(async (scope) => alarmRoutes(scope, options))
  await app.register(async (scope) => auditRoutes(scope, options))
  await app.register(async (scope) => keyRoutes(scope, options))
  await app.register(async (scope) => nowRoutes(scope, options))
  await app.register(async (scope) => tokenRoutes(scope, options))
  await app.register(async (scope) => consoleRoutes(scope, options, sessions))
}
