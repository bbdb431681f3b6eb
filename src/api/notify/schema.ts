/** What may be asked to be sent: Expo's fields, checked here so that a fault is told now and not by every ticket. */
import { z } from 'zod'
import type { Audience, Content } from '../../domain/notification.ts'
import { type Db, timeNow } from '../../store/database/db.ts'
import { Fault } from '../http/faults.ts'
import { id, isText, NOT_TEXT, text, word } from '../http/text.ts'

/** Expo refuses more than this for title, body and data together. */
const MAX_PUSH_BYTES = 4_096
/** Apple and Google keep notifications for four weeks. */
const MAX_TTL_SECONDS = 28 * 86_400
const MAX_AHEAD_MS = 28 * 86_400_000
/** A clock that is a little behind is no reason to refuse. */
const SLACK_MS = 60_000
const MAX_USERS = 1_000

const flag = z.boolean('must be true or false')
const users = z.array(id(), 'must be a list of user ids').max(MAX_USERS, `takes at most ${MAX_USERS} users`)

const soundOfIos = z.looseObject({
  critical: z.boolean().optional(),
  name: text(1, 200).nullish(),
  volume: z.number().min(0).max(1).optional(),
})

/** Expo's own fields, as it takes them; what Expo adds later is passed through. */
const options = z.looseObject({
  sound: z
    .union(
      [text(1, 200), z.null(), soundOfIos],
      'must be a name, null or such as {"critical": true, "name": "default", "volume": 1} (0 to 1)',
    )
    .optional(),
  badge: z.number('must be a number').int('must be whole').min(0, 'must not be negative').optional(),
  channelId: text(1, 200).optional(),
  priority: word(['default', 'normal', 'high']).optional(),
  subtitle: text(1, 1_000).optional(),
  ttl: z.number('must be a number').min(0, 'must not be negative').optional(),
  expiration: z.number('must be a number').optional(),
  interruptionLevel: word(['active', 'critical', 'passive', 'time-sensitive']).optional(),
  richContent: z
    .strictObject({ image: z.url('must be a URL').max(2_000, 'takes at most 2000 characters').optional() })
    .optional(),
  categoryId: text(1, 200).optional(),
  mutableContent: flag.optional(),
  contentAvailable: flag.optional(),
  _contentAvailable: flag.optional(),
  collapseId: text(1, 64).optional(),
  tag: text(1, 200).optional(),
  threadId: text(1, 200).optional(),
  targetContentId: text(1, 200).optional(),
  relevanceScore: z.number('must be a number').min(0, 'must be at least 0').max(1, 'must be at most 1').optional(),
  filterCriteria: text(1, 200).optional(),
  icon: text(1, 200).optional(),
})

/** These say what is said to whom, and stand beside the options. */
const ownFields = ['to', 'title', 'body', 'data']

export const newNotification = z
  .strictObject({
    to: z.union(
      [z.literal('everyone'), z.strictObject({ users: users.min(1, 'names nobody') }), z.strictObject({ topic: id() })],
      'must be "everyone", {"users": […]} or {"topic": "…"}',
    ),
    except: users.optional(),
    title: text(1).optional(),
    body: text(1).optional(),
    data: z.record(z.string(), z.unknown(), 'must be an object').refine(isText, NOT_TEXT).optional(),
    options: options.refine(isText, NOT_TEXT).optional(),
    ttl: z
      .number('must be a number')
      .int('must be whole')
      .min(1, 'must be at least 1')
      .max(MAX_TTL_SECONDS, `must be at most ${MAX_TTL_SECONDS}, four weeks`)
      .optional(),
    send_at: z.iso.datetime({ offset: true, error: 'must be a time such as 2026-01-31T09:00:00Z' }).optional(),
    onUnknown: word(['repeat', 'drop']).optional(),
    dry_run: flag.optional(),
  })
  .superRefine((body, context) => {
    const fault = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
    if (body.title === undefined && body.body === undefined && body.data === undefined)
      fault('title', 'title, body and data are all missing: there is nothing to say')
    if (Object.hasOwn(body.data ?? {}, 'notification_id'))
      fault('data', '"notification_id" is added here, so that the app can tell what was opened; name yours otherwise')
    for (const name of ownFields)
      if (Object.hasOwn(body.options ?? {}, name))
        fault('options', `"${name}" belongs beside the options, not into them`)
  })
type NewNotificationBody = z.output<typeof newNotification>

/** By the clock that decides when it goes out, whatever the one of this machine says. */
export async function checkSendAt(db: Db, sendAt: string | undefined): Promise<void> {
  if (sendAt === undefined) return
  const now = await timeNow(db)
  const ahead = Date.parse(sendAt) - now.getTime()
  const hint = `By the clock of the database it is ${now.toISOString()}.`
  if (ahead < -SLACK_MS) throw new Fault('malformed', { sentence: '"send_at": lies in the past', hint })
  if (ahead > MAX_AHEAD_MS)
    throw new Fault('malformed', { sentence: '"send_at": lies more than four weeks ahead', hint })
}

export function audienceOf({ to, except }: NewNotificationBody): Audience {
  const whom = to === 'everyone' ? { everyone: true as const } : 'users' in to ? { users: [...new Set(to.users)] } : to
  return except === undefined || except.length === 0 ? whom : { ...whom, except: [...new Set(except)] }
}

export function contentOf(body: NewNotificationBody, notificationId: string): Content {
  const content: Content = {
    ...(body.title !== undefined && { title: body.title }),
    ...(body.body !== undefined && { body: body.body }),
    data: { ...body.data, notification_id: notificationId },
    ...(body.options !== undefined && { options: body.options as Content['options'] }),
  }
  const bytes = sizeOf(content)
  if (bytes > MAX_PUSH_BYTES) throw new Fault('push_too_big', { values: { bytes: String(bytes) } })
  return content
}

function sizeOf({ title = '', body = '', data }: Content): number {
  return Buffer.byteLength(title) + Buffer.byteLength(body) + Buffer.byteLength(JSON.stringify(data))
}
