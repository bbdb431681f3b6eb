import type { FastifyInstance } from 'fastify'
import { bodyOf, statusOf } from '../faults.ts'
import type { ApiOptions } from '../server.ts'

/** Alive: the process answers. Ready: what is posted now is stored, and on its way. */
export async function healthRoutes(app: FastifyInstance, options: ApiOptions): Promise<void> {
  const { version, startedAt, mode, database } = options
  const anybody = { config: { caller: 'anybody' } } as const

  app.get('/healthz', anybody, async () => ({ status: 'ok', version, started_at: startedAt.toISOString() }))

  app.get('/readyz', anybody, async (_request, reply) => {
    const isDatabaseThere = await database.ping().then(
      () => true,
      () => false,
    )
    const isWorking = options.isWorking()
    const state = {
      mode,
      version,
      started_at: startedAt.toISOString(),
      database: isDatabaseThere ? 'ok' : 'away',
      queue: isWorking ? 'ok' : 'stopped',
    }
    if (isDatabaseThere && isWorking) return { status: 'ready', ...state }
    const sentence = isDatabaseThere ? 'Starting or stopping' : 'The database does not answer'
    reply.code(statusOf('not_ready')).header('Retry-After', 2)
    return { ...bodyOf('not_ready', { sentence }), status: 'not ready', ...state }
  })
}
