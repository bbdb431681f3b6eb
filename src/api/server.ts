/** The HTTP server: what every route has in common. It listens only when told to. */
import type { FastifyInstance } from 'fastify'
import { findServerKey } from '../store/operator/server-keys.ts'
import { acquaintances } from './callers/acquaintances.ts'
import { guardRoutes } from './callers/callers.ts'
import { jwtVerifier } from './callers/jwt.ts'
import { openLimits, type RateLimits } from './callers/limits.ts'
import { allowOrigins } from './callers/origins.ts'
import { serverKeyFinder } from './callers/server-keys.ts'
import { consoleRoutes } from './console/routes.ts'
import { openSessions, type Sessions } from './console/session.ts'
import { documentRoute, documentRoutes } from './docs/document.ts'
import { pageRoutes } from './docs/page.ts'
import { supabaseRoutes } from './hooks/supabase.ts'
import { newListener } from './http/listener.ts'
import { observeRequests } from './http/observe.ts'
import { endStreams } from './http/stream.ts'
import { checkShape } from './http/text.ts'
import { controlRoutes } from './notify/control.ts'
import { eventRoutes } from './notify/events.ts'
import { notificationRoutes } from './notify/routes.ts'
import { alarmRoutes } from './operator/alarms.ts'
import { auditRoutes } from './operator/audit.ts'
import { keyRoutes } from './operator/keys.ts'
import { nowRoutes } from './operator/now.ts'
import { peopleRoutes } from './operator/people.ts'
import { tokenRoutes } from './operator/tokens.ts'
import { userRoutes } from './operator/users.ts'
import type { ApiOptions } from './options.ts'
import { healthRoutes } from './routes/health.ts'
import { homeRoutes } from './routes/home.ts'
import { messageRoutes } from './routes/messages.ts'
import { metricsRoutes } from './routes/metrics.ts'
import { postRoutes } from './routes/posts.ts'
import { pushTokenRoutes } from './routes/push-tokens.ts'
import { testPushRoutes } from './routes/test-push.ts'
import { wishRoutes } from './routes/wishes.ts'

export async function openServer(options: ApiOptions): Promise<FastifyInstance> {
  const app = await newListener(options)
  observeRequests(app, options)
  const { db } = options.database
  const known = acquaintances(db, Date.now)
  const sessions = openSessions(db, options.operatorKey, Date.now)
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
