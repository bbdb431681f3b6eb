/** For Prometheus: on this machine without a key, from elsewhere with the operator's. */
import type { FastifyInstance } from 'fastify'

export interface MetricsOptions {
  metrics?: { scrape(): Promise<{ contentType: string; text: string }> } | undefined
}

export async function metricsRoutes(app: FastifyInstance, { metrics }: MetricsOptions): Promise<void> {
  if (metrics === undefined) return
  app.get('/metrics', { config: { caller: 'operator or this machine' } }, async (_request, reply) => {
    const { contentType, text } = await metrics.scrape()
    reply.type(contentType).header('Cache-Control', 'no-store')
    return text
  })
}
