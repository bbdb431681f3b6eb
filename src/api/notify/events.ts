/** A notification's progress as it happens. The id of an event is what it says, so that nobody is told the same twice. */
import { createHash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { findNotification } from '../../store/views/notifications.ts'
import { openStream } from '../http/stream.ts'
import { text } from '../http/text.ts'
import { openWatch } from '../http/watch.ts'
import type { ApiOptions } from '../options.ts'
import { type Progress, progressOf } from './progress.ts'
import { notificationOf } from './routes.ts'

interface Told {
  progress: Progress
  id: string
}

export async function eventRoutes(instance: FastifyInstance, options: ApiOptions): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const { db } = options.database
  const config = { caller: 'server read or operator' } as const
  const look = async (id: string): Promise<Told | undefined> => {
    const row = await findNotification(db, id)
    return row && told(await progressOf(db, row))
  }
  const watch = openWatch(look)

  app.get(
    '/api/notifications/:id/events',
    { config, schema: { params: z.object({ id: text(1) }) }, exposeHeadRoute: false },
    async (request, reply) => {
      const row = await notificationOf(options, request.params.id)
      let lastId = request.headers['last-event-id']
      const now = told(await progressOf(db, row))
      // Browsers come back for ever; this is how they are told that there is nothing left to hear.
      if (now.progress.final && lastId === now.id) return reply.code(204).send()
      const stream = openStream(request, reply)
      const tell = ({ progress, id }: Told) => {
        if (id !== lastId) stream.send({ event: 'progress', id, data: progress })
        lastId = id
        if (progress.final) stream.end()
      }
      tell(now)
      if (!now.progress.final) stream.onClose(watch.join(row.id, tell))
      return reply
    },
  )
}

function told(progress: Progress): Told {
  const { rate: _, eta_seconds: __, ...lasting } = progress
  const moving = progress.state === 'sending' ? progress : lasting
  return { progress, id: createHash('sha256').update(JSON.stringify(moving)).digest('base64url').slice(0, 16) }
}
