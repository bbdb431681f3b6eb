/** For Prometheus: on this machine without a key, from elsewhere with the operator's. */
import type { FastifyInstance } from 'fastify'
import type { MetricsOptions } from '../options.ts'

export async function metricsRoutes(app: FastifyInstance, { metrics }: MetricsOptions): Promise<void> {
  if (metrics === undefined) return
  app.get('/metrics', { config: { caller: 'operator or this machine' } }, async (_request, reply) => {
    const { contentType, text } = await metrics.scrape()
    reply.type(contentType).header('Cache-Control', 'no-store')
    return text
  })
}
