/** What the server answers, as far as the console shows it. */
export type State = 'queued' | 'sending' | 'paused' | 'finished' | 'cancelled' | 'expired'
export type Lane = 'direct' | 'broadcast'

export interface Totals {
  targeted: number
  pending: number
  accepted: number
  awaiting_receipt: number
  handed_over: number
  failed: number
  no_receipt: number
  refused: number
  skipped: number
  expired: number
  cancelled: number
  unknown: number
  not_reached: number
}

export interface Progress {
  state: State
  scheduled: boolean
  skip_reason: string | null
  postponed: string | null
  totals: Totals
  estimated: number | null
  rate: number
  eta_seconds: number | null
  opened: number
  finished_at: string | null
  final: boolean
}

export interface Listed {
  id: string
  kind: 'post' | 'message' | 'test' | 'notify'
  lane: Lane
  to: 'everyone' | { users: number } | { topic: string }
  except: number
  title: string | null
  body: string | null
  created_by: string | null
  created_at: string
  send_at: string | null
  expires_at: string
  state: State
  scheduled: boolean
  skip_reason: string | null
  postponed: string | null
  estimated: number | null
  finished_at: string | null
  totals: Totals
}

export interface Content {
  title?: string
  body?: string
  data?: Record<string, unknown>
  options?: Record<string, unknown>
}

export interface Reasons {
  course: {
    seconds: number
    stretches: { at: string; accepted: number; handed_over: number; refused: number; unknown: number }[]
  }
  skipped: { reason: string; count: number }[]
  refusals: {
    stage: string
    code: string | null
    count: number
    message: string
    hint: string
    examples: { user_id: string; push_token: string }[]
  }[]
}

export interface Breaker {
  project: string
  reason: string
  remaining_seconds: number
}

export interface Now {
  at: string
  rate_limit: number
  mode: 'sandbox' | 'expo'
  seconds: { at: number; direct: number; broadcast: number }[]
  in_flight: Record<Lane, number>
  queues: { queue: string; ready: number; later: number; active: number }[]
  under_way: {
    id: string
    title: string | null
    lane: Lane
    state: State
    scheduled: boolean
    postponed: string | null
  }[]
  last_errors: {
    at: string
    code: string | null
    stage: string
    message: string
    notification_id: string
    count: number
  }[]
  breakers: Breaker[]
  alarms: number
}

export interface Found {
  user_id: string
  name: string | null
  push_token: string | null
  devices: number
}

export interface Person {
  user: { id: string; name: string | null; mutes: string[]; topics: string[] }
  devices: {
    id: string
    push_token: string
    device_type: 'ios' | 'android' | null
    project: string | null
    locale: string | null
    time_zone: string | null
    app_version: string | null
    active: boolean
    inactive_reason: string | null
    state: string
    created_at: string
    updated_at: string
    history: { at: string; kind: string; text: string }[]
  }[]
  recent: {
    id: string
    kind: string
    lane: Lane
    state: State
    title: string | null
    created_at: string
    outcomes: string[]
  }[]
}

export interface Explained {
  sentence: string
  hint?: string
  user: { id: string; known: boolean; name: string | null; muted: boolean; opened_at: string | null }
  notification: { id: string; kind: string; state: State; created_at: string }
  devices: {
    push_token: string
    device_type: 'ios' | 'android' | null
    outcome: string
    words: string
    steps: { at: string | null; text: string }[]
  }[]
}

export interface Alarm {
  id: string
  kind: 'flood' | 'credentials'
  project: string
  device_type: string
  detail: Record<string, unknown>
  raised_at: string
  resolved_at: string | null
  resolved_by: string | null
}

export type Scope = 'send' | 'users' | 'read'

export interface ServerKey {
  id: string
  name: string
  prefix: string
  scopes: Scope[]
  created_at: string
  last_used_at: string | null
  expires_at: string | null
  revoked_at: string | null
}

export interface AuditEntry {
  id: string
  at: string
  actor: string
  action: string
  subject: string
  detail: Record<string, unknown>
}
