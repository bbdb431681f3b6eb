/**
 * Database webhooks of Supabase: what is written there is told here, so that a project needs no code for it. A webhook
 * may come twice, late or out of order; each row is told once.
 */
import { randomUUIDv7 } from 'node:crypto'
import type { FastifyError, FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { messageTypes } from '../../domain/texts/texts.ts'
import { timeNow } from '../../store/database/db.ts'
import { insertNotification, type NewNotification } from '../../store/notifications/notifications.ts'
import { ensureUser } from '../../store/people/users.ts'
import { onceForRow } from '../../store/tokens/source-rows.ts'
import { cleanName } from '../callers/jwt.ts'
import { answerError } from '../http/errors.ts'
import { Fault } from '../http/faults.ts'
import { aboutMessage, aboutPost } from '../notify.ts'
import type { ApiOptions } from '../options.ts'
import { type Done, nothing, onPushToken } from './tokens.ts'
import {
  nameOfRow,
  needed,
  neededId,
  type Row,
  readBody,
  textIn,
  timeIn,
  unfit,
  type Webhook,
  webhook,
} from './webhook.ts'

/** A row may carry much that nobody needs here. */
const BODY_LIMIT_BYTES = 4 * 1024 * 1024

export async function supabaseRoutes(instance: FastifyInstance, options: ApiOptions): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, async (_request: unknown, body: string) =>
    readBody(body),
  )
  const config = { caller: 'supabase' } as const
  const route = { config, schema: { body: webhook }, bodyLimit: BODY_LIMIT_BYTES, errorHandler: answerErrorHere }
  app.post('/hooks/supabase', route, async (request) => work(options, request.body, request.trace))
}

const answerErrorHere: typeof answerError = (error, request, reply) => {
  const isTooLarge = (error as FastifyError).code === 'FST_ERR_CTP_BODY_TOO_LARGE'
  const fault = new Fault('too_large', { sentence: 'The body is larger than 4 MB' })
  return answerError(isTooLarge ? fault : error, request, reply)
}

async function work(options: ApiOptions, hook: Webhook, trace: string | undefined): Promise<Done> {
  const { table, type } = hook
  if (table === 'push_tokens') return onPushToken(options.database.db, hook)
  if (table !== 'messages' && table !== 'posts')
    throw unfit('it is of none of the tables messages, posts and push_tokens')
  if (type !== 'INSERT') return nothing(`Of ${table} only inserts are told.`)
  const { record } = hook
  if (!record) throw unfit('it is not there')
  if (await isOld(options, record)) return nothing('The row is older than NOTIFICATION_TTL_SECONDS.')
  return tell(options, hook, table === 'messages' ? readMessage(record) : readPost(record), trace)
}

/** Backups that are put back, and tables that are copied, write old rows anew: they are no news. */
async function isOld({ database, ttlSeconds }: ApiOptions, record: Row): Promise<boolean> {
  const made = timeIn(record, 'createdAt')
  if (made === null) return false
  return (await timeNow(database.db)).getTime() - Date.parse(made) > ttlSeconds * 1_000
}

/** Who said it, to whom, and how it is worded once the name is known. */
interface Said {
  by: string
  name: string | null
  to?: string
  about(wording: ApiOptions, id: string, name: string | null): NewNotification
}

function readMessage(record: Row): Said {
  const said = textIn(record, 'messageType') || 'text'
  const messageType = messageTypes.find((type) => type === said)
  if (messageType === undefined)
    throw unfit(`its message_type "${said.slice(0, 60)}" is none of ${messageTypes.join(', ')}`)
  const [id, senderId, receiverId] = [neededId(record, 'id'), neededId(record, 'sender'), neededId(record, 'receiver')]
  const content = needed(record, 'content')
  return {
    by: senderId,
    name: cleanName(textIn(record, 'name')),
    to: receiverId,
    about: (wording, notification, sender) =>
      aboutMessage(wording, notification, { id, senderId, receiverId, messageType, sender, content }),
  }
}

function readPost(record: Row): Said {
  const [id, authorId, title] = [neededId(record, 'id'), neededId(record, 'author'), needed(record, 'title')]
  return {
    by: authorId,
    name: cleanName(textIn(record, 'name')),
    about: (wording, notification, username) => aboutPost(wording, notification, { id, authorId, username, title }),
  }
}

async function tell(options: ApiOptions, hook: Webhook, said: Said, trace: string | undefined): Promise<Done> {
  const name = nameOfRow(hook, hook.record as Row, false) as string
  return onceForRow(options.database.db, name, 'INSERT', async (tx) => {
    const id = randomUUIDv7()
    const known = await ensureUser(tx, { id: said.by, name: said.name })
    if (said.to !== undefined) await ensureUser(tx, { id: said.to, name: null })
    await insertNotification(tx, { ...said.about(options, id, known), trace })
    return { success: true, done: 'notified', notification_id: id }
  })
}
