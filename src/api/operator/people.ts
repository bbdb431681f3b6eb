/** Finding a person, seeing their devices, and why one of them did not get a notification. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { resultName } from '../../domain/answers/result.ts'
import { explain } from '../../domain/explain/explain.ts'
import { eventWords, inactiveWords } from '../../domain/explain/explain-steps.ts'
import { maskPushToken, maskPushTokensIn } from '../../domain/push-token.ts'
import { mutesOf, topicsOf } from '../../store/people/subscriptions.ts'
import { findUser } from '../../store/people/users.ts'
import { explainFacts } from '../../store/views/explain.ts'
import { deviceHistory, devicesOfUser, recentFor, searchPeople } from '../../store/views/people.ts'
import { missing } from '../http/missing.ts'
import { id, knownId, text } from '../http/text.ts'
import type { ApiOptions } from '../options.ts'

export async function peopleRoutes(instance: FastifyInstance, options: ApiOptions): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const { db } = options.database
  const config = { caller: 'operator' } as const

  app.get(
    '/api/operator/people',
    { config, schema: { querystring: z.strictObject({ search: text(1, 255) }) } },
    async (request) => {
      const { people, more } = await searchPeople(db, request.query.search.trim())
      return {
        success: true,
        people: people.map(({ push_token, ...one }) => {
          return { ...one, push_token: push_token === null ? null : maskPushToken(push_token) }
        }),
        more,
      }
    },
  )

  app.get('/api/operator/people/:user', { config, schema: { params: z.object({ user: id() }) } }, async (request) => {
    const userId = request.params.user
    const user = await findUser(db, userId)
    if (user === undefined) throw missing('user')
    const recent = await recentFor(db, userId)
    return {
      success: true,
      user: { id: user.id, name: user.name, mutes: await mutesOf(db, userId), topics: await topicsOf(db, userId) },
      devices: await shownDevices(options, userId),
      recent: recent.map(({ devices, created_at, ...one }) => ({
        ...one,
        created_at: created_at.toISOString(),
        outcomes: devices.map(({ result, skip_reason }) => skip_reason ?? resultName(result)),
      })),
    }
  })

  const asked = z.strictObject({ user: id(), notification: text(1, 64) })
  app.get('/api/operator/explain', { config, schema: { querystring: asked } }, async (request) => {
    const { user, notification } = request.query
    const facts = await explainFacts(db, user, knownId(notification, 'notification'))
    if (facts === undefined) throw missing('notification')
    const { sentence, hint, devices } = explain(facts)
    const { created_at, ...of } = facts.notification
    return {
      success: true,
      sentence: maskPushTokensIn(sentence),
      ...(hint !== null && { hint }),
      user: { id: user, known: facts.known, name: facts.name, muted: facts.muted, opened_at: facts.openedAt },
      notification: { id: of.id, kind: of.kind, state: of.state, created_at },
      devices: devices.map(({ pushToken, deviceType, outcome, words, steps }) => ({
        push_token: maskPushToken(pushToken),
        device_type: deviceType,
        outcome,
        words: maskPushTokensIn(words),
        steps: steps.map((step) => ({ at: step.at, text: maskPushTokensIn(step.text) })),
      })),
    }
  })
}

async function shownDevices({ database }: ApiOptions, userId: string) {
  const rows = await devicesOfUser(database.db, userId)
  const events = await deviceHistory(
    database.db,
    userId,
    rows.map((row) => row.id),
  )
  const byDevice = Map.groupBy(events, (event) => event.push_token_id)
  return rows.map(({ id: row, token, ...device }) => ({
    id: String(row),
    push_token: maskPushToken(token),
    ...device,
    state: device.active ? 'active' : inactiveWords({ inactiveReason: device.inactive_reason }),
    history: (byDevice.get(row) ?? []).map(({ at, kind, user_id, from_user_id, detail }) => ({
      at,
      kind,
      text: eventWords(kind, { userId: user_id, fromUserId: from_user_id, detail }),
    })),
  }))
}
