import type { FastifyInstance } from 'fastify'
import type { ApiOptions } from '../options.ts'

/** For whoever opens the address in a browser: what this is, and where to go on. */
export async function homeRoutes(app: FastifyInstance, { version, mode }: ApiOptions): Promise<void> {
  app.get('/', { config: { caller: 'anybody' } }, async () => ({
    name: 'Belfry',
    version,
    mode,
    health: '/healthz',
    ready: '/readyz',
    docs: '/docs',
    console: '/console',
    ...(mode === 'sandbox' && { sandbox: '/sandbox' }),
  }))
}
