/** Notify: another backend, or the operator, says something to many; and looks at how it goes. */
import { randomUUIDv7 } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { ruleFor } from '../../domain/answers/verdict.ts'
import type { Audience } from '../../domain/notification.ts'
import { maskPushToken, maskPushTokensIn } from '../../domain/push-token.ts'
import { insertNotification } from '../../store/notifications/notifications.ts'
import { audit } from '../../store/operator/audit.ts'
import { findNotification, listNotifications, type NotificationRow } from '../../store/views/notifications.ts'
import { courseOf, refusalGroups, skipReasons } from '../../store/views/reasons.ts'
import { totalsOfMany } from '../../store/views/totals.ts'
import { actorOf } from '../callers/actor.ts'
import { inOneGo } from '../http/idempotency.ts'
import { takeYourTime } from '../http/listener.ts'
import { missing } from '../http/missing.ts'
import { limit } from '../http/page.ts'
import { isUuid, knownId, text, word } from '../http/text.ts'
import type { ApiOptions } from '../options.ts'
import { dryRun, openAudienceCount } from './dry-run.ts'
import { notReached, progressOf } from './progress.ts'
import { audienceOf, checkSendAt, contentOf, newNotification } from './schema.ts'
import { shownNotification } from './shown.ts'

const page = z.strictObject({
  limit,
  before: text(1, 36).refine(isUuid, 'must be the id of a notification').optional(),
  lane: word(['direct', 'broadcast']).optional(),
  state: word(['queued', 'sending', 'paused', 'finished', 'cancelled', 'expired']).optional(),
})

export async function notificationRoutes(instance: FastifyInstance, options: ApiOptions): Promise<void> {
  const app = withTypes(instance)
  const { db } = options.database
  const send = { caller: 'server send or operator' } as const
  const countOf = openAudienceCount(db)

  app.post('/api/notifications', { config: send, schema: { body: newNotification } }, async (request, reply) => {
    const { body } = request
    const id = randomUUIDv7()
    const audience = audienceOf(body)
    const content = contentOf(body, id)
    if (body.dry_run) {
      await checkSendAt(db, body.send_at)
      takeYourTime(request)
      return dryRun(countOf, audience, content, options.rateLimit ?? 0)
    }
    const answer = await inOneGo(request, db, async (tx) => {
      // In here, so that a repeated request gets its first answer also after its time.
      await checkSendAt(tx, body.send_at)
      await insertNotification(tx, {
        id,
        kind: 'notify',
        lane: 'users' in audience ? 'direct' : 'broadcast',
        audience,
        content,
        createdBy: creatorOf(request),
        trace: request.trace,
        ttlSeconds: body.ttl ?? options.ttlSeconds,
        onUnknown: body.onUnknown,
        ...(body.send_at !== undefined && { sendAt: new Date(body.send_at) }),
      })
      await audit(tx, {
        actor: actorOf(request),
        action: 'notification.send',
        subject: `notification:${id}`,
        detail: audienceWords(audience),
      })
      return { success: true, notification_id: id, send_at: body.send_at ?? null }
    })
    reply.code(202)
    return answer
  })
  addReads(app, options)
}

/** How many, not who. */
function audienceWords(audience: Audience): Record<string, string | number> {
  if ('users' in audience) return { to: 'users', users: audience.users.length }
  return 'topic' in audience ? { to: 'topic' } : { to: 'everyone' }
}

type App = ReturnType<typeof withTypes>
const withTypes = (instance: FastifyInstance) => instance.withTypeProvider<ZodTypeProvider>()

function addReads(app: App, options: ApiOptions): void {
  const { db } = options.database
  const read = { caller: 'server read or operator' } as const

  app.get('/api/notifications', { config: read, schema: { querystring: page } }, async (request) => {
    const rows = await listNotifications(db, request.query)
    const totals = await totalsOfMany(db, rows)
    return {
      success: true,
      notifications: rows.map((row) => {
        const sums = totals.get(row.id)!
        return { ...shownNotification(row), totals: { ...sums, not_reached: notReached(row, sums, row.estimated) } }
      }),
      next: rows.length === request.query.limit ? rows.at(-1)?.id : null,
    }
  })

  const params = z.object({ id: text(1) })
  app.get('/api/notifications/:id', { config: read, schema: { params } }, async (request) => {
    const row = await notificationOf(options, request.params.id)
    const progress = await progressOf(db, row)
    return { success: true, notification: { ...shownNotification(row), content: row.content, ...progress } }
  })

  app.get('/api/notifications/:id/reasons', { config: read, schema: { params } }, async (request) => {
    const row = await notificationOf(options, request.params.id)
    const groups = await refusalGroups(db, row.id)
    return {
      success: true,
      course: await courseOf(db, row.id),
      skipped: await skipReasons(db, row.id),
      refusals: groups.map(({ examples, message, ...group }) => ({
        ...group,
        message: maskPushTokensIn(message),
        hint: ruleFor(group.code).hint,
        examples: examples.map((one) => ({ user_id: one.user_id, push_token: maskPushToken(one.push_token) })),
      })),
    }
  })
}

export async function notificationOf({ database }: ApiOptions, id: string): Promise<NotificationRow> {
  const row = await findNotification(database.db, knownId(id, 'notification'))
  if (row === undefined) throw missing('notification')
  return row
}

/** As it stands in `created_by`, and who may pause it. */
export function creatorOf(request: FastifyRequest): string {
  return request.byServer === null ? 'operator' : `server ${request.byServer.id}`
}
