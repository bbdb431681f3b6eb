/** What users say about their notifications: topics they follow, kinds they mute, what they opened. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { mutesOf, recordOpened, setMutes, subscribe, topicsOf, unsubscribe } from '../../store/people/subscriptions.ts'
import { userOf } from '../callers/callers.ts'
import { missing } from '../http/missing.ts'
import { id, knownId, text, word } from '../http/text.ts'
import type { ApiOptions } from '../options.ts'

const kinds = z.array(word(['post', 'message', 'notify']), 'must be a list of kinds').max(3, 'takes each kind once')

export async function wishRoutes(instance: FastifyInstance, options: ApiOptions): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const { db } = options.database
  const config = { caller: 'user' } as const
  const params = z.object({ topic: id() })

  /** Both may be sent again without harm. */
  app.put('/api/topics/:topic/subscription', { config, schema: { params } }, async (request) => {
    await subscribe(db, request.params.topic, userOf(request).id)
    return { success: true, topic: request.params.topic, subscribed: true }
  })
  app.delete('/api/topics/:topic/subscription', { config, schema: { params } }, async (request) => {
    await unsubscribe(db, request.params.topic, userOf(request).id)
    return { success: true, topic: request.params.topic, subscribed: false }
  })

  app.get('/api/users/me/mutes', { config }, async (request) => {
    const userId = userOf(request).id
    return { success: true, kinds: await mutesOf(db, userId), topics: await topicsOf(db, userId) }
  })
  app.put('/api/users/me/mutes', { config, schema: { body: z.strictObject({ kinds }) } }, async (request) => {
    const wanted = [...new Set(request.body.kinds)]
    await setMutes(db, userOf(request).id, wanted)
    return { success: true, kinds: wanted }
  })

  app.post(
    '/api/notifications/:id/opened',
    { config, schema: { params: z.object({ id: text(1) }) } },
    async (request) => {
      const theirs = await recordOpened(db, knownId(request.params.id, 'notification for you'), userOf(request).id)
      if (!theirs) throw missing('notification for you')
      return { success: true }
    },
  )
}
