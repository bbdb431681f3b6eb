/** Who did what to whom: newest first, in pages. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { listAudit } from '../../store/operator/audit.ts'
import { limit } from '../http/page.ts'
import { text } from '../http/text.ts'
import type { ApiOptions } from '../options.ts'

/** As long as the longest id with the word before it. */
const asked = text(1, 160).optional()

const page = z.strictObject({
  limit,
  before: text(1, 16)
    .regex(/^\d{1,15}$/, 'must be the id of an entry')
    .transform(Number)
    .optional(),
  actor: asked,
  action: asked,
  subject: asked,
})

export async function auditRoutes(instance: FastifyInstance, { database }: ApiOptions): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const config = { caller: 'operator' } as const

  app.get('/api/operator/audit', { config, schema: { querystring: page } }, async (request) => {
    const rows = await listAudit(database.db, request.query)
    return {
      success: true,
      entries: rows.map(({ id, ...row }) => ({ id: String(id), ...row })),
      next: rows.length === request.query.limit ? String(rows.at(-1)?.id) : null,
    }
  })
}
