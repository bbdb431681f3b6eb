/** Pausing, resuming and cancelling a notification. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { cancelNotification, pauseNotification, resumeNotification } from '../../store/notifications/control.ts'
import type { NotificationRow } from '../../store/views/notifications.ts'
import { actorOf } from '../callers/actor.ts'
import { missing } from '../http/missing.ts'
import { text } from '../http/text.ts'
import type { ApiOptions } from '../options.ts'
import { creatorOf, notificationOf } from './routes.ts'

const controls = { pause: pauseNotification, resume: resumeNotification, cancel: cancelNotification }

/** Whoever sent it may hold it; what has ended stays as it ended, and its state is answered. */
export async function controlRoutes(instance: FastifyInstance, options: ApiOptions): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const config = { caller: 'server send or operator' } as const
  const params = z.object({ id: text(1) })
  for (const [verb, control] of Object.entries(controls)) {
    app.post(`/api/notifications/:id/${verb}`, { config, schema: { params } }, async (request) => {
      const row = await notificationOf(options, request.params.id)
      onlyByItsSender(request, row)
      const state = await control(options.database.db, row.id, actorOf(request))
      return { success: true, id: row.id, state: state ?? row.state }
    })
  }
}

function onlyByItsSender(request: FastifyRequest, row: NotificationRow): void {
  if (request.isOperator) return
  if (row.kind !== 'notify' || row.created_by !== creatorOf(request)) throw missing('notification')
}
