/** Posts: stored and on their way to everybody else in one transaction. */
import { randomUUIDv7 } from 'node:crypto'
import formbody from '@fastify/formbody'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { all } from '../../domain/all.ts'
import { insertNotification } from '../../store/notifications/notifications.ts'
import { findPost, insertPost, listPosts, type PostRow } from '../../store/notifications/posts.ts'
import { userOf } from '../callers/callers.ts'
import { parseForm } from '../http/form.ts'
import { inOneGo } from '../http/idempotency.ts'
import { missing } from '../http/missing.ts'
import { limit } from '../http/page.ts'
import { isUuid, knownId, text } from '../http/text.ts'
import { aboutPost } from '../notify.ts'
import type { ApiOptions } from '../options.ts'

/** The first document's route: apps out there may send more, which is ignored. */
const newPost = z.object({ title: text(1, 300), text_content: text(0), content_type: text(1, 100) })

const page = z.strictObject({
  limit,
  before: text(1, 36).refine(isUuid, 'must be the id of a post').optional(),
})

export async function postRoutes(instance: FastifyInstance, options: ApiOptions): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  await app.register(formbody, { parser: parseForm })
  const { db } = options.database
  const config = { caller: 'user' } as const

  app.post('/api/posts/', { config, schema: { body: newPost } }, async (request) => {
    const author = userOf(request)
    const { title, text_content: textContent, content_type: contentType } = request.body
    const id = randomUUIDv7()
    const notificationId = randomUUIDv7()
    return inOneGo(request, db, async (tx) => {
      const written = insertPost(tx, { id, userId: author.id, title, textContent, contentType })
      const about = aboutPost(options, notificationId, { id, authorId: author.id, username: author.name, title })
      const [row] = await all([written, insertNotification(tx, { ...about, trace: request.trace })])
      return { success: true, post: shown(row), notification_id: notificationId }
    })
  })

  app.get('/api/posts/', { config, schema: { querystring: page } }, async (request) => {
    const posts = await listPosts(db, request.query)
    return {
      success: true,
      posts: posts.map(shown),
      next: posts.length === request.query.limit ? posts.at(-1)?.id : null,
    }
  })

  app.get('/api/posts/:id', { config, schema: { params: z.object({ id: text(1) }) } }, async (request) => {
    const post = await findPost(db, knownId(request.params.id, 'post'))
    if (post === undefined) throw missing('post')
    return { success: true, post: shown(post) }
  })
}

function shown({ id, user_id, title, text_content, content_type, created_at }: PostRow): PostRow {
  return { id, user_id, title, text_content, content_type, created_at }
}
