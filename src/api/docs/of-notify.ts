/** The routes of other backends, in the words of the OpenAPI document. */
import type { RouteDoc } from './route-doc.ts'
import { decimal, list, maybe, object, oneOf, ref, success, text, time, uuid, whole } from './schemas.ts'

const tag = 'Notifications'
const id = '01890a5d-ac97-7d1e-9d6b-6a2b3c1f0e11'
const state = oneOf('queued', 'sending', 'paused', 'finished', 'cancelled', 'expired')
const steered = success({ id: uuid, state })
const dryRun = success({
  dry_run: { type: 'boolean', const: true },
  audience: object({ devices: whole, ios: whole, android: whole, unknown: whole, suspended: whole }),
  /** As long as it takes at the rate of the server; null: there is no limit. */
  seconds: maybe(whole),
  preview: list({ type: 'object' }),
})
const controls = {
  pause: 'Pause a notification',
  resume: 'Let a paused notification go on',
  cancel: 'Cancel a notification',
}

export const notifyDocs: Record<string, RouteDoc> = {
  'POST /api/notifications': {
    tag,
    summary: 'Notify everyone, some users or the followers of a topic',
    description: 'At least one of title, body and data. With dry_run nothing is sent, and the answer is 200.',
    status: 202,
    answer: success({ notification_id: uuid, send_at: maybe(time) }),
    also: { status: 200, answer: dryRun },
    example: { success: true, notification_id: id, send_at: null },
    request: { to: { users: ['alice'] }, title: 'The bells are up', body: 'Come on Sunday' },
    faults: ['push_too_big', 'idempotency_key', 'idempotency_reused'],
    once: true,
  },
  'GET /api/notifications': {
    tag,
    summary: 'Notifications, newest first',
    answer: success({ notifications: list(ref('Notification')), next: maybe(uuid) }),
  },
  'GET /api/notifications/:id': {
    tag,
    summary: 'One notification, with its progress',
    answer: success({ notification: ref('Notification') }),
    faults: ['not_found'],
  },
  'GET /api/notifications/:id/reasons': {
    tag,
    summary: 'Its course over time, and why some were not reached',
    answer: success({
      course: object({ seconds: decimal, stretches: list({ type: 'object' }) }),
      skipped: list(object({ reason: text, count: whole })),
      refusals: list(
        object({
          stage: oneOf('ticket', 'receipt', 'request'),
          code: maybe(text),
          count: whole,
          message: text,
          hint: text,
          examples: list(object({ user_id: text, push_token: text })),
        }),
      ),
    }),
    faults: ['not_found'],
  },
  'GET /api/notifications/:id/events': {
    tag,
    summary: 'Its progress as it happens',
    description: 'Server-sent events named progress. 204 to a client that has seen the last one.',
    contentType: 'text/event-stream',
    answer: text,
    faults: ['not_found'],
  },
  ...Object.fromEntries(
    Object.entries(controls).map(([verb, summary]): [string, RouteDoc] => [
      `POST /api/notifications/:id/${verb}`,
      { tag, summary, answer: steered, faults: ['not_found'] },
    ]),
  ),
  'POST /hooks/supabase': {
    tag,
    summary: "Take one of Supabase's database webhooks",
    description: 'Inserts on posts and messages; inserts, updates and deletes on push_tokens. Each row counts once.',
    answer: success(
      { done: oneOf('notified', 'registered', 'unregistered', 'nothing'), notification_id: uuid, why: text },
      ['notification_id', 'why'],
    ),
    request: {
      type: 'INSERT',
      table: 'messages',
      schema: 'public',
      record: { id: 1, sender_id: 'alice', receiver_id: 'bob', content: 'Did it ring?' },
      old_record: null,
    },
    faults: ['not_found', 'row_unfit', 'user_erased'],
  },
}
