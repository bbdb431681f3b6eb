/** What a worker answers, when it is given a port: whether it is well, and its metrics. */
import type { FastifyInstance } from 'fastify'
import { guardRoutes } from './callers.ts'
import { Fault } from './faults.ts'
import { openLimits, type RateLimits } from './limits.ts'
import { type ListenerOptions, newListener } from './listener.ts'
import { type Observers, observeRequests } from './observe.ts'
import { type HealthOptions, healthRoutes } from './routes/health.ts'
import { metricsRoutes, type MetricsOptions } from './routes/metrics.ts'

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
    hasSession: () => false,
    findServer: async () => undefined,
    meet: async (user) => user,
    limits: await openLimits(app, options.rateLimits),
  })
  await app.register(async (own) => healthRoutes(own, options))
  await app.register(async (own) => metricsRoutes(own, options))
  return app
}
