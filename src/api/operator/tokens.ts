/** Push tokens in bulk: another system's table comes in, ours goes out. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Platform } from '../../domain/platform.ts'
import { isPushToken, maskPushToken } from '../../domain/push-token.ts'
import { auditOnce } from '../../store/operator/audit.ts'
import { type ImportRow, importTokens, listTokens } from '../../store/tokens/import.ts'
import { actorOf } from '../callers/actor.ts'
import { activeOf, textOf, timeOf } from '../http/cells.ts'
import { limit } from '../http/page.ts'
import { id, isText, lengthOf, MAX_ID_LENGTH } from '../http/text.ts'
import type { ApiOptions } from '../options.ts'

const MAX_ROWS = 1_000
const cell = z.union([z.string(), z.number(), z.boolean(), z.null()]).optional()
const row = z.strictObject({
  line: z.number('must be a number').int('must be whole').min(0, 'must not be negative'),
  user_id: cell,
  token: cell,
  device_type: cell,
  active: cell,
  created_at: cell,
  updated_at: cell,
})
const rows = z
  .array(row, 'must be a list of rows')
  .min(1, 'must hold at least one row')
  .max(MAX_ROWS, `takes at most ${MAX_ROWS} rows`)

const page = z.strictObject({
  limit,
  after: z.coerce.number('must be a number').int('must be whole').min(0, 'must not be negative').default(0),
  user: id().optional(),
  whole: z.enum(['true', 'false'], 'must be true or false').default('false'),
})

export async function tokenRoutes(instance: FastifyInstance, { database }: ApiOptions): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const { db } = database
  const config = { caller: 'operator' } as const

  app.get('/api/operator/tokens', { config, schema: { querystring: page } }, async (request) => {
    const { after, user: userId, whole, limit: most } = request.query
    if (whole === 'true')
      await auditOnce(db, { actor: actorOf(request), action: 'push_tokens.export', subject: 'push_tokens' })
    const found = await listTokens(db, { after, userId, limit: most })
    const tokens = found.map(({ id: row, token, ...rest }) => {
      return { id: String(row), push_token: whole === 'true' ? token : maskPushToken(token), ...rest }
    })
    return {
      success: true,
      tokens,
      next: found.length === most ? tokens.at(-1)?.id : null,
    }
  })

  /** Bad rows are told by their line, and do not keep the good ones out. */
  app.post('/api/operator/tokens/import', { config, schema: { body: z.strictObject({ rows }) } }, async (request) => {
    const good: ImportRow[] = []
    const bad: { line: number; error: string }[] = []
    for (const one of request.body.rows) {
      const read = readRow(one)
      if (typeof read === 'string') bad.push({ line: one.line, error: read })
      else good.push(read)
    }
    const imported = await importTokens(db, good, actorOf(request))
    return { success: true, imported, known: good.length - imported, bad }
  })
}

/** A sentence says what is wrong with it. */
function readRow(one: z.output<typeof row>): ImportRow | string {
  if (typeof one.user_id === 'number' && !Number.isSafeInteger(one.user_id))
    return 'the user id is a number that JSON does not keep whole; send it as a string'
  const userId = textOf(one.user_id)
  if (userId === '') return 'the user id is missing'
  if (lengthOf(userId) > MAX_ID_LENGTH || !isText(userId))
    return `the user id is longer than ${MAX_ID_LENGTH} characters, or is not text`
  const token = textOf(one.token)
  if (!isPushToken(token)) return token === '' ? 'the push token is missing' : 'this is no Expo push token'
  const deviceType = textOf(one.device_type).toLowerCase()
  if (!['', 'ios', 'android'].includes(deviceType)) return 'the device type is neither ios nor android'
  const [createdAt, updatedAt] = [timeOf(one.created_at), timeOf(one.updated_at)]
  if (createdAt === undefined || updatedAt === undefined)
    return 'a time cannot be read; expected one such as 2026-01-31T09:00:00Z'
  const active = activeOf(one.active)
  if (active === undefined) return 'active is neither true nor false'
  return {
    userId,
    token,
    deviceType: deviceType === '' ? null : (deviceType as Platform),
    active,
    createdAt,
    updatedAt,
  }
}
