/** What a person may ask of whoever runs this: all that is kept about them, and that it be erased. */
import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { eraseUser } from '../../store/people/erase.ts'
import { exportUser, type PersonExport } from '../../store/views/export.ts'
import { actorOf } from '../callers/actor.ts'
import { takeYourTime } from '../http/listener.ts'
import { missing } from '../http/missing.ts'
import { id } from '../http/text.ts'
import type { ApiOptions } from '../options.ts'

/** @param forget what this process remembers of a user. */
export async function userRoutes(
  instance: FastifyInstance,
  { database: { db } }: ApiOptions,
  forget: (userId: string) => void,
): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const config = { caller: 'operator' } as const
  const schema = { params: z.object({ user: id() }) }
  app.addHook('preHandler', async (request) => takeYourTime(request))
  // Also while an export is on its way: it pauses wherever little is theirs.
  app.addHook('onSend', async (request) => void (request.isOperator && takeYourTime(request)))

  app.get('/api/operator/users/:user/export', { config, schema, exposeHeadRoute: false }, async (request, reply) => {
    const all = await exportUser(db, request.params.user, actorOf(request))
    if (all === undefined) throw missing('trace of a user')
    return reply.type('application/json; charset=utf-8').send(Readable.from(documentOf(all)))
  })

  app.delete('/api/operator/users/:user', { config, schema }, async (request) => {
    const erased = await eraseUser(db, request.params.user, actorOf(request))
    forget(request.params.user)
    if (erased === undefined) throw missing('trace of a user')
    return { success: true, id: request.params.user, erased }
  })
}

/**
 * Written as it is read, a row a line; one that breaks off is not JSON. Where nothing is found, a line is written all the
 * same, so that nobody on the way takes the silence for the end.
 */
async function* documentOf({ user, parts }: PersonExport): AsyncGenerator<string> {
  yield `{"success":true,"exported_at":"${new Date().toISOString()}","user":${JSON.stringify(user)}`
  let end = ','
  let list = ''
  let between = ''
  for await (const { name, rows } of parts) {
    if (name !== list) {
      yield `${end}\n"${name}":[`
      ;[end, list, between] = ['],', name, '']
    }
    yield `${rows.length > 0 ? between : ''}\n${rows.map((row) => JSON.stringify(row)).join(',\n')}`
    if (rows.length > 0) between = ','
  }
  yield ']}\n'
}
