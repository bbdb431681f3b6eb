/** The routes that apps call, in the words of the OpenAPI document. */
import type { RouteDoc } from './route-doc.ts'
import { list, maybe, object, oneOf, ref, success, text, uuid, whole, yes } from './schemas.ts'

const tag = 'Apps'
const id = '01890a5d-ac96-774b-bcce-b302099a8057'
const notificationId = '01890a5d-ac97-7d1e-9d6b-6a2b3c1f0e11'
const time = '2026-01-31T09:00:00.000Z'
const post = { id, user_id: 'alice', title: 'Rain', text_content: 'It rains.', content_type: 'note', created_at: time }
const message = {
  id,
  sender_id: 'alice',
  receiver_id: 'bob',
  message_type: 'text',
  content: 'Did it ring?',
  created_at: time,
}
const done = success({ message: text })
const subscription = success({ topic: text, subscribed: yes })

export const appDocs: Record<string, RouteDoc> = {
  'POST /api/users/push-token': {
    tag,
    summary: 'Register a push token',
    description: 'Registering again is no error. A token that another user had moves to this one.',
    answer: done,
    example: { success: true, message: 'Push token registered successfully' },
    request: { push_token: 'ExponentPushToken[xxxxxxxxxxxxxxxxxxxxxx]', device_type: 'android' },
    faults: ['token_malformed', 'too_many_moves'],
  },
  'DELETE /api/users/push-token': {
    tag,
    summary: 'Log a device out',
    description: 'By push_token or by installation_id; one of them is needed. Also 200 when it was gone.',
    answer: done,
    example: { success: true, message: 'Push token removed' },
    request: { installation_id: 'a-phone' },
  },
  'GET /api/users/push-token': {
    tag,
    summary: "The caller's own push tokens",
    answer: success({ push_tokens: list(ref('PushToken')) }),
  },
  'POST /api/posts/': {
    tag,
    summary: 'Write a post, and tell everybody else',
    answer: success({ post: ref('Post'), notification_id: uuid }),
    example: { success: true, post, notification_id: notificationId },
    request: { title: 'Rain', text_content: 'It rains.', content_type: 'note' },
    alsoTakes: ['application/x-www-form-urlencoded'],
    faults: ['idempotency_key', 'idempotency_reused'],
    once: true,
  },
  'GET /api/posts/': {
    tag,
    summary: 'Posts, newest first',
    answer: success({ posts: list(ref('Post')), next: maybe(uuid) }),
    example: { success: true, posts: [post], next: null },
  },
  'GET /api/posts/:id': { tag, summary: 'One post', answer: success({ post: ref('Post') }), faults: ['not_found'] },
  'POST /message/send-message': {
    tag,
    summary: 'Send a message, and ring the receiver',
    answer: success({ message: ref('Message'), notification_id: uuid }),
    example: { success: true, message, notification_id: notificationId },
    request: { receiver_id: 'bob', message_type: 'text', content: 'Did it ring?' },
    faults: ['idempotency_key', 'idempotency_reused'],
    once: true,
  },
  'GET /message/:id': {
    tag,
    summary: 'One message, for its two people',
    answer: success({ message: ref('Message') }),
    faults: ['not_found'],
  },
  'POST /test-push-notification/:user_id': {
    tag,
    summary: 'Ring all devices of a user, and wait for what Expo says',
    description:
      'Answers 200 also when no device was reached, with success false and a code that says why; 202 when Expo did ' +
      'not answer within ten seconds. A body is ignored.',
    answer: object(
      {
        success: yes,
        sent: whole,
        mode: oneOf('sandbox', 'expo'),
        devices: list(ref('DeviceOutcome')),
        notification_id: uuid,
        error: text,
        code: text,
        hint: text,
      },
      ['error', 'code', 'hint'],
    ),
    example: {
      success: true,
      sent: 1,
      mode: 'expo',
      devices: [{ push_token: 'ExponentPushToken[abc…]', device_type: 'ios', status: 'accepted' }],
      notification_id: notificationId,
    },
    faults: ['no_push_token', 'not_found', 'expo_slow'],
  },
  'PUT /api/topics/:topic/subscription': { tag, summary: 'Follow a topic', answer: subscription },
  'DELETE /api/topics/:topic/subscription': { tag, summary: 'Follow a topic no longer', answer: subscription },
  'GET /api/users/me/mutes': {
    tag,
    summary: 'What the caller does not want to hear, and follows',
    answer: success({ kinds: list(text), topics: list(text) }),
  },
  'PUT /api/users/me/mutes': {
    tag,
    summary: 'Mute kinds of notifications',
    answer: success({ kinds: list(text) }),
    request: { kinds: ['post'] },
    example: { success: true, kinds: ['post'] },
  },
  'POST /api/notifications/:id/opened': {
    tag,
    summary: 'Tell that a notification was opened',
    description: 'Counted once for each user.',
    answer: success(),
    faults: ['not_found'],
  },
}
