/** The routes of operators and the console, in the words of the OpenAPI document. */
import type { RouteDoc } from './route-doc.ts'
import { anything, list, maybe, object, ref, success, text, time, whole, yes } from './schemas.ts'

const tag = 'Operators'
const things = list({ type: 'object' })
const key = {
  id: '01890a5d-ac97-7d1e-9d6b-6a2b3c1f0e11',
  name: 'shop',
  prefix: 'blf_abcd',
  scopes: ['send'],
  created_at: '2026-01-31T09:00:00.000Z',
  last_used_at: null,
  expires_at: null,
  revoked_at: null,
}
const withSecret = success({ key: ref('ServerKey'), secret: text })
const now = object({
  at: time,
  rate_limit: whole,
  mode: text,
  seconds: things,
  in_flight: object({ direct: whole, broadcast: whole }),
  queues: things,
  under_way: things,
  last_errors: things,
  breakers: things,
  alarms: whole,
})

export const operatorDocs: Record<string, RouteDoc> = {
  'GET /api/operator/now': {
    tag,
    summary: 'What is going on at this moment',
    answer: { allOf: [success(), now] },
  },
  'GET /api/operator/now/events': {
    tag,
    summary: 'The same, as it changes',
    contentType: 'text/event-stream',
    answer: text,
  },
  'GET /api/operator/explain': {
    tag,
    summary: 'Why a user did or did not get a notification',
    answer: success(
      { sentence: text, hint: text, user: { type: 'object' }, notification: { type: 'object' }, devices: things },
      ['hint'],
    ),
    faults: ['not_found'],
  },
  'GET /api/operator/people': {
    tag,
    summary: 'Find people by the beginning of an id, a name or a push token',
    answer: success({
      people: list(object({ user_id: text, name: maybe(text), devices: whole, push_token: maybe(text) })),
      more: yes,
    }),
  },
  'GET /api/operator/people/:user': {
    tag,
    summary: 'A person: devices with their history, last notifications',
    answer: success({
      user: object({ id: text, name: maybe(text), mutes: list(text), topics: list(text) }),
      devices: things,
      recent: things,
    }),
    faults: ['not_found'],
  },
  'GET /api/operator/users/:user/export': {
    tag,
    summary: 'Everything that is kept about a user',
    description: 'Written as it is read: an answer that breaks off is not whole.',
    answer: success({
      exported_at: time,
      user: maybe({ type: 'object' }),
      push_tokens: things,
      token_history: things,
      posts: things,
      messages: things,
      notifications: things,
      deliveries: things,
      opened: things,
      topics: things,
      mutes: things,
      audit: things,
    }),
    faults: ['not_found'],
  },
  'DELETE /api/operator/users/:user': {
    tag,
    summary: 'Erase a user',
    answer: success({ id: text, erased: anything }),
    faults: ['not_found'],
  },
  'GET /api/operator/alarms': {
    tag,
    summary: 'What waits for a person',
    answer: success({ alarms: list(ref('Alarm')), resolved: list(ref('Alarm')), breakers: things }),
  },
  'POST /api/operator/alarms/:id/:verb': {
    tag,
    summary: 'Confirm or release an alarm',
    answer: success({ id: text, devices: maybe(whole) }),
    faults: ['not_found'],
  },
  'GET /api/operator/audit': {
    tag,
    summary: 'Who did what to whom, newest first',
    answer: success({
      entries: list(object({ id: text, at: time, actor: text, action: text, subject: text, detail: anything })),
      next: maybe(text),
    }),
  },
  'GET /api/operator/keys': {
    tag,
    summary: 'The keys of other backends',
    answer: success({ keys: list(ref('ServerKey')) }),
    example: { success: true, keys: [key] },
  },
  'POST /api/operator/keys': {
    tag,
    summary: 'Make a key; its secret is in this answer and nowhere else',
    answer: withSecret,
    request: { name: 'shop', scopes: ['send'] },
    example: { success: true, key, secret: 'blf_…' },
  },
  'POST /api/operator/keys/:id/rotate': {
    tag,
    summary: 'Give a key a new secret',
    answer: withSecret,
    request: { grace_seconds: 3600 },
    faults: ['not_found', 'key_ended'],
  },
  'DELETE /api/operator/keys/:id': { tag, summary: 'Revoke a key', answer: success(), faults: ['not_found'] },
  'GET /api/operator/tokens': {
    tag,
    summary: 'Push tokens, in pages',
    answer: success({ tokens: things, next: maybe(text) }),
  },
  'POST /api/operator/tokens/import': {
    tag,
    summary: "Bring another system's push tokens in",
    description: 'Bad rows are told by their line, and do not keep the good ones out.',
    answer: success({ imported: whole, known: whole, bad: list(object({ line: whole, error: text })) }),
    request: { rows: [{ line: 1, user_id: 'alice', token: 'ExponentPushToken[xxxxxxxxxxxxxxxxxxxxxx]' }] },
    example: { success: true, imported: 1, known: 0, bad: [] },
    faults: ['user_erased'],
  },
  'POST /console/sign-in': {
    tag,
    summary: 'The operator key for a session cookie',
    answer: success(),
    request: { key: 'the operator key' },
    faults: ['wrong_key', 'wrong_origin', 'too_many_attempts'],
  },
  'POST /console/sign-out': { tag, summary: 'End the session', answer: success(), faults: ['wrong_origin'] },
  'GET /console/session': {
    tag,
    summary: 'Whether this browser is signed in',
    answer: object({ signed_in: yes, mode: text, version: text, rate_limit: maybe(whole) }),
  },
}
