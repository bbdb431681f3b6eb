/** The tables as TypeScript sees them; store/migrations has the SQL that makes them. */
import type { ColumnType, Generated } from 'kysely'
import type { Audience, Content, NotificationKind, NotificationState, SkipReason } from '../../domain/notification.ts'
import type { Platform } from '../../domain/platform.ts'
import type { Lane } from '../../ports.ts'
import type { AuditTable, ServerKeysTable } from './operator-tables.ts'

/** Written as JSON text, read as a value. */
type Json<T> = ColumnType<T, string, string>

export interface Tables {
  users: UsersTable
  push_tokens: PushTokensTable
  token_events: TokenEventsTable
  posts: PostsTable
  messages: MessagesTable
  notifications: NotificationsTable
  deliveries: DeliveriesTable
  refusals: RefusalsTable
  parked: ParkedTable
  pace: PaceTable
  idempotency: IdempotencyTable
  alarms: AlarmsTable
  held_tokens: HeldTokensTable
  answers: AnswersTable
  subscriptions: SubscriptionsTable
  mutes: MutesTable
  opens: OpensTable
  totals: TotalsTable
  server_keys: ServerKeysTable
  audit: AuditTable
}

export type TableName = keyof Tables
export const TABLE_NAMES = [
  'users',
  'push_tokens',
  'token_events',
  'posts',
  'messages',
  'notifications',
  'deliveries',
  'refusals',
  'parked',
  'pace',
  'idempotency',
  'alarms',
  'held_tokens',
  'answers',
  'subscriptions',
  'mutes',
  'opens',
  'totals',
  'server_keys',
  'audit',
] as const satisfies TableName[]

interface UsersTable {
  id: string
  name: string | null
  created_at: Generated<Date>
  updated_at: Generated<Date>
}

export type InactiveReason = 'logged_out' | 'DeviceNotRegistered' | 'InvalidCredentials' | 'superseded'

interface PushTokensTable {
  id: Generated<number>
  user_id: string
  token: string
  device_type: Platform | null
  installation_id: string | null
  project: string | null
  locale: string | null
  time_zone: string | null
  app_version: string | null
  active: boolean
  inactive_reason: InactiveReason | null
  inactive_at: Date | null
  created_at: Generated<Date>
  updated_at: Generated<Date>
  /** When another database wrote it, where it comes from one. */
  source_at: Date | null
}

export type TokenEvent =
  | 'registered'
  | 'moved'
  | 'rotated'
  | 'revived'
  | 'logged_out'
  | 'retired'
  | 'suspended'
  | 'restored'

interface TokenEventsTable {
  id: Generated<number>
  push_token_id: number
  at: Generated<Date>
  kind: TokenEvent
  user_id: string | null
  from_user_id: string | null
  detail: string | null
}

interface PostsTable {
  id: string
  user_id: string
  title: string
  text_content: string
  content_type: string
  created_at: Generated<Date>
}

interface MessagesTable {
  id: string
  sender_id: string
  receiver_id: string
  message_type: string
  content: string
  created_at: Generated<Date>
}

interface NotificationsTable {
  id: string
  kind: NotificationKind
  lane: Lane
  audience: Json<Audience>
  content: Json<Content>
  created_by: string | null
  created_at: Generated<Date>
  expires_at: Date
  /** Not before this time; null: at once. */
  send_at: Date | null
  on_unknown: 'repeat' | 'drop'
  state: NotificationState
  skip_reason: SkipReason | null
  /** Why it waits just now (Expo is down, refuses the access token, …); null while it moves. */
  postponed: string | null
  max_token_id: number
  /** How far the fan-out has read: the last push token id it has cut a chunk for. */
  cursor: number
  page: number
  fan_out_done: boolean
  chunks: number
  chunks_done: number
  /** How many devices the whole audience has, once somebody has counted; for progress only. */
  estimated: number | null
  paused_at: Date | null
  finished_at: Date | null
}

export const DELIVERY_STATE = { planned: 0, sending: 1, settled: 2 } as const
export type DeliveryState = (typeof DELIVERY_STATE)[keyof typeof DELIVERY_STATE]

interface DeliveriesTable {
  id: Generated<number>
  notification_id: string
  /** The chunk's first push token id; 0 for a direct notification. */
  chunk: number
  /** Its place in the chunk's plan; null when it was split off another delivery. A chunk is planned once. */
  part: number | null
  state: DeliveryState
  /** Counts intents, from a number of its plan's own: who settles must hold the attempt that it began. */
  attempt: number
  ambiguous: number
  deaths: number
  project: string | null
  recipients: number
  token_ids: number[]
  results: number[] | null
  /** Not null: receipts are awaited. How they are kept, `ticket-ids.ts` knows. */
  ticket_ids: (string | null)[] | null
  ticket_uuids: Uint8Array | null
  accepted: number
  handed_over: number
  failed: number
  no_receipt: number
  refused: number
  skipped: number
  expired: number
  cancelled: number
  unknown: number
  /** A late answer of an attempt that had lost its claim: real pushes, kept for their receipts, not in the books. */
  late: boolean
  /** Why all of it was skipped when it was planned; null: nothing was. */
  skip_reason: 'credentials' | 'muted' | null
  sent_at: Date | null
  settled_at: Date | null
}

interface RefusalsTable {
  id: Generated<number>
  notification_id: string
  delivery_id: number
  push_token_id: number
  stage: 'ticket' | 'receipt' | 'request'
  code: string | null
  message: string
  at: Generated<Date>
}

interface ParkedTable {
  id: Generated<number>
  notification_id: string
  queue: string
  data: Json<object>
  parked_at: Generated<Date>
}

interface PaceTable {
  project: string
  /** What was sent in the last window: when, and how many recipients. */
  recent_at: Date[]
  recent_n: number[]
  /** Broadcasts keep their distance. */
  next_at: Date
  /** After a 429 nobody sends. */
  hold_until: Date
  /** A direct request waits: broadcasts yield. */
  direct_until: Date
  /** Direct recipients a second, lately. */
  direct_rate: number
  direct_at: Date
  /** Notifications a second that 429s have brought the pace down to; null: the configured rate. */
  lowered_to: number | null
  lowered_at: Date | null
  breaker_until: Date | null
  breaker_reason: string | null
  breaker_opens: number
}

interface IdempotencyTable {
  caller: string
  key: string
  body_hash: string
  answer: Json<object> | null
  created_at: Generated<Date>
}

export type AlarmKind = 'flood' | 'credentials'

interface AlarmsTable {
  id: Generated<number>
  kind: AlarmKind
  /** Empty: the project is not known. */
  project: string
  /** Empty: not of one platform. */
  device_type: string
  detail: Json<object>
  raised_at: Generated<Date>
  resolved_at: Date | null
  resolved_by: string | null
  probed_at: Date | null
}

/** A push token that Expo called dead during a flood, kept active until a person decides. */
interface HeldTokensTable {
  alarm_id: number
  push_token_id: number
  held_at: Generated<Date>
}

/** Answers about recipients, by the minute: tickets and receipts, and how many of them said DeviceNotRegistered. */
interface AnswersTable {
  project: string
  minute: Date
  answered: number
  gone: number
}

interface SubscriptionsTable {
  topic: string
  user_id: string
  created_at: Generated<Date>
}

/** Kinds of notifications that a user does not want to hear. */
interface MutesTable {
  user_id: string
  kind: NotificationKind
  created_at: Generated<Date>
}

interface OpensTable {
  notification_id: string
  user_id: string
  at: Generated<Date>
}

/** What the deliveries of a notification last added up to; `final`: they will not change any more. */
interface TotalsTable {
  notification_id: string
  counts: Json<object>
  final: boolean
  at: Generated<Date>
}
