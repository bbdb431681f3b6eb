/**
 * The answers' shapes, in JSON Schema. They describe; they do not serialize: answers are written as they are, because
 * checking each against a schema would cost time on every request and could drop a field that somebody relies on.
 */
export type Schema = Record<string, unknown>

export const text: Schema = { type: 'string' }
export const whole: Schema = { type: 'integer' }
export const decimal: Schema = { type: 'number' }
export const yes: Schema = { type: 'boolean' }
export const uuid: Schema = { type: 'string', format: 'uuid' }
export const time: Schema = { type: 'string', format: 'date-time' }
export const anything: Schema = {}

export const oneOf = (...words: string[]): Schema => ({ type: 'string', enum: words })
export const list = (items: Schema): Schema => ({ type: 'array', items })
export const maybe = (schema: Schema): Schema =>
  '$ref' in schema || 'enum' in schema
    ? { anyOf: [schema, { type: 'null' }] }
    : { ...schema, type: [schema.type, 'null'].flat() }
export const ref = (name: keyof typeof components): Schema => ({ $ref: `#/components/schemas/${name}` })

/** @param optional names that may be missing. */
export function object(properties: Record<string, Schema>, optional: string[] = []): Schema {
  return { type: 'object', properties, required: Object.keys(properties).filter((name) => !optional.includes(name)) }
}

/** What every success begins with. */
export const success = (properties: Record<string, Schema> = {}, optional: string[] = []): Schema =>
  object({ success: { type: 'boolean', const: true }, ...properties }, optional)

const platform = oneOf('ios', 'android')
const counts = (...names: string[]): Schema => object(Object.fromEntries(names.map((name) => [name, whole])))

export const components = {
  Error: object({ success: { type: 'boolean', const: false }, error: text, code: text, hint: text }, ['hint']),
  PushToken: object({
    id: text,
    push_token: text,
    device_type: maybe(platform),
    installation_id: maybe(text),
    project: maybe(text),
    locale: maybe(text),
    time_zone: maybe(text),
    app_version: maybe(text),
    active: yes,
    inactive_reason: maybe(text),
    inactive_at: maybe(time),
    created_at: time,
    updated_at: time,
  }),
  Post: object({ id: uuid, user_id: text, title: text, text_content: text, content_type: text, created_at: time }),
  Message: object({
    id: uuid,
    sender_id: text,
    receiver_id: text,
    message_type: text,
    content: text,
    created_at: time,
  }),
  DeviceOutcome: object({ push_token: text, device_type: maybe(text), status: text, error: text, hint: text }, [
    'error',
    'hint',
  ]),
  Totals: counts(
    'targeted',
    'pending',
    'accepted',
    'awaiting_receipt',
    'handed_over',
    'failed',
    'no_receipt',
    'refused',
    'skipped',
    'expired',
    'cancelled',
    'unknown',
    'not_reached',
  ),
  Notification: object(
    {
      id: uuid,
      kind: oneOf('post', 'message', 'test', 'notify'),
      lane: oneOf('direct', 'broadcast'),
      to: anything,
      except: whole,
      title: maybe(text),
      body: maybe(text),
      created_by: maybe(text),
      created_at: time,
      send_at: maybe(time),
      expires_at: time,
      finished_at: maybe(time),
      state: oneOf('queued', 'sending', 'paused', 'finished', 'cancelled', 'expired'),
      scheduled: yes,
      skip_reason: maybe(text),
      postponed: maybe(text),
      estimated: maybe(whole),
      totals: { $ref: '#/components/schemas/Totals' },
      content: { type: 'object' },
      rate: decimal,
      eta_seconds: maybe(whole),
      opened: whole,
      final: yes,
    },
    ['content', 'rate', 'eta_seconds', 'opened', 'final'],
  ),
  ServerKey: object({
    id: uuid,
    name: text,
    prefix: text,
    scopes: list(text),
    created_at: time,
    last_used_at: maybe(time),
    expires_at: maybe(time),
    revoked_at: maybe(time),
  }),
  Alarm: object({
    id: text,
    kind: oneOf('flood', 'credentials'),
    project: text,
    device_type: text,
    detail: { type: 'object' },
    raised_at: time,
    resolved_at: maybe(time),
    resolved_by: maybe(text),
  }),
  Health: object({ status: { type: 'string', const: 'ok' }, version: text, started_at: time }),
  Readiness: object(
    {
      status: oneOf('ready', 'degraded'),
      mode: oneOf('sandbox', 'expo'),
      version: text,
      started_at: time,
      database: text,
      queue: text,
      reasons: list(object({ code: text, sentence: text })),
    },
    ['reasons'],
  ),
} satisfies Record<string, Schema>
