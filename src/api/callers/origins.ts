/**
 * Which web pages may call: those that CORS_ORIGINS names, on the routes of apps and on no other. Nothing is said about
 * cookies, so a browser sends none: a page has what its bearer token gives it.
 */
import cors, { type FastifyCorsOptions } from '@fastify/cors'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { notFound } from '../http/errors.ts'
import { isForUsers } from './callers.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answers what a browser asks before it calls the route of this address. */
    isPreflight?: boolean
  }
}

/** How long a browser may remember the answer; Chromium keeps none for longer than two hours. */
const MAX_AGE_SECONDS = 7_200

/** Comes before the routes are guarded: a page is to read why it was refused, and a preflight carries no token. */
export async function allowOrigins(app: FastifyInstance, origins: string[]): Promise<void> {
  if (origins.length === 0) return
  const allowed: FastifyCorsOptions = {
    origin: origins,
    methods: ['GET', 'POST', 'PUT', 'DELETE'],
    allowedHeaders: ['Authorization', 'Content-Type', 'Idempotency-Key'],
    exposedHeaders: ['Request-Id', 'Retry-After'],
    maxAge: MAX_AGE_SECONDS,
    strictPreflight: false,
  }
  // The plugin adds a route for preflights of everything, which has to say who may call it, as all have.
  app.addHook('onRoute', (route) => {
    if (route.method === 'OPTIONS' && route.url === '*') route.config = { ...route.config, caller: 'anybody' }
  })
  const preflights = new Set<string>()
  app.addHook('onRoute', function ({ url, config }) {
    if (!isForUsers(config?.caller ?? '') || preflights.has(url)) return
    preflights.add(url)
    this.route({
      method: 'OPTIONS',
      url: url.slice(this.prefix.length),
      config: { caller: 'anybody', isPreflight: true },
      handler: (request) => {
        throw notFound(request)
      },
    })
  })
  await app.register(cors, { delegator: async (request: FastifyRequest) => (isOfApps(request) ? allowed : none) })
}

const none: FastifyCorsOptions = { origin: false }

function isOfApps({ routeOptions: { config } }: FastifyRequest): boolean {
  return config.isPreflight === true || isForUsers(config.caller ?? '')
}
