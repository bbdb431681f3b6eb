/** What a person may ask of whoever runs this: all that is kept about them, and that it be erased. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { eraseUser } from '../../store/people/erase.ts'
import { exportUser } from '../../store/views/export.ts'
import { actorOf } from '../callers/actor.ts'
import { allowSilence } from '../http/listener.ts'
import { missing } from '../http/missing.ts'
import { id } from '../http/text.ts'
import type { ApiOptions } from '../options.ts'

/** In a large installation the tables are read through for minutes. Node's fetch waits no longer for an answer. */
const LONGEST_MS = 300_000

/** @param forget what this process remembers of a user. */
export async function userRoutes(
  instance: FastifyInstance,
  { database: { db } }: ApiOptions,
  forget: (userId: string) => void,
): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const config = { caller: 'operator' } as const
  const schema = { params: z.object({ user: id() }) }
  // After it is known who asks: nobody else can sit here for so long.
  app.addHook('preHandler', async (request) => allowSilence(request, LONGEST_MS))

  app.get('/api/operator/users/:user/export', { config, schema }, async (request, reply) => {
    const all = await exportUser(db, request.params.user, actorOf(request))
    if (all === undefined) throw missing('trace of a user')
    reply.header('Cache-Control', 'no-store')
    return { success: true, exported_at: new Date().toISOString(), ...all }
  })

  app.delete('/api/operator/users/:user', { config, schema }, async (request) => {
    const erased = await eraseUser(db, request.params.user, actorOf(request))
    forget(request.params.user)
    if (erased === undefined) throw missing('trace of a user')
    return { success: true, id: request.params.user, erased }
  })
}
