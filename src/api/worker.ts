/** What a worker answers, when it is given a port: whether it is well, and its metrics. */
import type { FastifyInstance } from 'fastify'
import { guardRoutes } from './callers/callers.ts'
import { openLimits, type RateLimits } from './callers/limits.ts'
import { Fault } from './http/faults.ts'
import { type ListenerOptions, newListener } from './http/listener.ts'
import { type Observers, observeRequests } from './http/observe.ts'
import type { MetricsOptions } from './options.ts'
import { type HealthOptions, healthRoutes } from './routes/health.ts'
import { metricsRoutes } from './routes/metrics.ts'

export interface WorkerOptions extends ListenerOptions, Observers, MetricsOptions, HealthOptions {
  operatorKey: string
  rateLimits: RateLimits
}

export async function openWorkerServer(options: WorkerOptions): Promise<FastifyInstance> {
  const app = await newListener(options)
  observeRequests(app, options)
  guardRoutes(app, {
    operatorKey: options.operatorKey,
    verifyJwt: () => {
      throw new Fault('token_invalid')
    },
    hasSession: async () => false,
    findServer: async () => undefined,
    meet: async (user) => user,
    limits: await openLimits(app, options.rateLimits),
  })
  await app.register(async (own) => healthRoutes(own, options))
  await app.register(async (own) => metricsRoutes(own, options))
  return app
}
