/** Push tokens: registered, listed and taken off by the app of their user. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Done, PushTokenRegistration } from '../../domain/app-api.ts'
import { isPushToken, MAX_PUSH_TOKEN_LENGTH, PUSH_TOKEN_PATTERN } from '../../domain/push-token.ts'
import { listPushTokens, registerPushToken, unregisterPushToken } from '../../store/tokens/push-tokens.ts'
import { actorOf } from '../callers/actor.ts'
import { userOf } from '../callers/callers.ts'
import { Fault } from '../http/faults.ts'
import { id, optionalText, text, word } from '../http/text.ts'
import type { ApiOptions } from '../options.ts'

const pushToken = z
  .custom<string>(isPushToken, { params: { fault: 'token_malformed' } })
  .meta({ type: 'string', maxLength: MAX_PUSH_TOKEN_LENGTH, pattern: PUSH_TOKEN_PATTERN })

/** The first document's route: apps out there may send more, which is ignored. */
const registration = z.object({
  push_token: pushToken,
  device_type: word(['android', 'ios'], true),
  installation_id: optionalText(128),
  project_id: optionalText(128),
  locale: optionalText(64),
  time_zone: optionalText(64),
  app_version: optionalText(64),
})

const logOut = z
  .strictObject({ push_token: text(1, 255).optional(), installation_id: id().optional() })
  .refine(
    (body) => body.push_token !== undefined || body.installation_id !== undefined,
    'push_token or installation_id is missing',
  )

const RETRY_AFTER_MOVES_SECONDS = 3_600

export async function pushTokenRoutes(instance: FastifyInstance, { database, movesPerDay }: ApiOptions): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const { db } = database
  const url = '/api/users/push-token'
  const config = { caller: 'user' } as const

  /** The answer is the same whether or not the token was known, and whose it was. */
  app.post(url, { config, schema: { body: registration } }, async (request) => {
    const body: PushTokenRegistration = request.body
    const registered = await registerPushToken(db, {
      userId: userOf(request).id,
      token: body.push_token,
      deviceType: body.device_type,
      installationId: body.installation_id,
      project: body.project_id,
      locale: body.locale,
      timeZone: body.time_zone,
      appVersion: body.app_version,
      movesPerDay,
      by: actorOf(request),
    })
    if (registered === 'moved_too_often')
      throw new Fault('too_many_moves', { retryAfterSeconds: RETRY_AFTER_MOVES_SECONDS })
    return { success: true, message: 'Push token registered successfully' } satisfies Done
  })

  /** Logging out twice is no error. */
  app.delete(url, { config, schema: { body: logOut } }, async (request) => {
    const { push_token: token, installation_id: installationId } = request.body
    await unregisterPushToken(db, { userId: userOf(request).id, token, installationId })
    return { success: true, message: 'Push token removed' } satisfies Done
  })

  app.get(url, { config, schema: { querystring: z.strictObject({}) } }, async (request) => {
    const tokens = await listPushTokens(db, userOf(request).id)
    return {
      success: true,
      push_tokens: tokens.map(({ id: row, token, ...rest }) => ({ id: String(row), push_token: token, ...rest })),
    }
  })
}
