import type { FastifyInstance } from 'fastify'
import { bodyOf, statusOf } from '../http/faults.ts'
import type { ApiOptions } from '../options.ts'
import { openVitals } from '../vitals.ts'

export type HealthOptions = Pick<ApiOptions, 'version' | 'startedAt' | 'mode' | 'database' | 'isWorking' | 'standing'>

/** Alive: the process answers. Ready: what is posted now is stored, and on its way. Degraded: ready, but look at it. */
export async function healthRoutes(app: FastifyInstance, options: HealthOptions): Promise<void> {
  const { version, startedAt, mode, database, standing = [] } = options
  const anybody = { config: { caller: 'anybody' } } as const
  const vitals = openVitals(database)

  app.get('/healthz', anybody, async () => ({ status: 'ok', version, started_at: startedAt.toISOString() }))

  app.get('/readyz', anybody, async (_request, reply) => {
    const found = await database
      .ping()
      .then(vitals)
      .catch(() => undefined)
    const isWorking = options.isWorking()
    const state = {
      mode,
      version,
      started_at: startedAt.toISOString(),
      database: found ? 'ok' : 'away',
      queue: isWorking ? 'ok' : 'stopped',
    }
    if (found && isWorking) {
      const reasons = [...standing, ...found]
      return { status: reasons.length > 0 ? 'degraded' : 'ready', ...state, ...(reasons.length > 0 && { reasons }) }
    }
    const sentence = found ? 'Starting or stopping' : 'The database does not answer'
    reply.code(statusOf('not_ready')).header('Retry-After', 2)
    return { ...bodyOf('not_ready', { sentence }), status: 'not ready', ...state }
  })
}
