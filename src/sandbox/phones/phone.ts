/** One simulated phone, and what a push does to it. Pure: a phone and a push in, the phone changed. */
import type { PushMessage } from '../expo/message.ts'

export type Platform = 'ios' | 'android'
/** The second document's four states. */
export const phoneStates = ['open', 'background', 'closed', 'locked'] as const
export type PhoneState = (typeof phoneStates)[number]

/** A person reads the last few; more only costs memory. */
const MAX_SHOWN = 30
/** Texts and data kept for showing; the push itself may be up to 4 KiB. */
const MAX_TEXT = 600
const MAX_DATA_BYTES = 1024

export interface Shown {
  id: string
  title: string
  subtitle: string
  body: string
  data: Record<string, unknown>
  /** The name of the sound, or null for a silent one. */
  sound: string | null
  badge: number | null
  priority: string
  channelId: string | null
  /** What a repeat replaces it by: `tag` on Android, `collapseId` on iOS. */
  replaces: string | null
  /** How often it arrived; more than 1 when a repeat replaced it. */
  copies: number
  at: number
}

export interface Phone {
  id: string
  platform: Platform
  /** The signed-in user's id, and the name to show. */
  user: string
  userName: string
  token: string
  state: PhoneState
  /** Whether the app has registered its token with the server for this user. */
  registered: boolean
  /** Why it is not registered, or what went wrong. */
  problem: string | null
  /** A sentence under the phone, e.g. why it stayed quiet. */
  note: string | null
  /** The number on the app's icon: on iOS what the last push said, on Android how many wait. */
  badge: number
  /** Where in the app the last tap led. */
  screen: { name: string; params: Record<string, string> } | null
  /** The notification that stands at the top of the screen. */
  banner: string | null
  notifications: Shown[]
  /** How often it rang since it was made. */
  rings: number
}

/** Puts a push on the phone. Answers the notification shown, or undefined for a push without a title or body. */
export function receive(phone: Phone, message: PushMessage, id: string, at: number): Shown | undefined {
  const shown = toShown(message, phone.platform, id, at)
  if (phone.platform === 'ios' && shown.badge !== null) phone.badge = shown.badge
  if (shown.title === '' && shown.body === '') {
    phone.note = 'A silent push arrived: data only, nothing to show.'
    return undefined
  }
  const same = phone.notifications.find((other) => shown.replaces !== null && other.replaces === shown.replaces)
  if (same) shown.copies = same.copies + 1
  const others = phone.notifications.filter((other) => other !== same)
  phone.notifications = [shown, ...others].slice(0, MAX_SHOWN)
  if (phone.platform === 'android') phone.badge = phone.notifications.length
  phone.banner = phone.state === 'locked' ? null : shown.id
  phone.note = null
  phone.rings++
  return shown
}

/** A tap opens the app where the push's data says. */
export function tap(phone: Phone, notificationId: string): void {
  const tapped = phone.notifications.find((shown) => shown.id === notificationId)
  if (!tapped) return
  const { screen, ...rest } = tapped.data
  const texts = Object.entries(rest).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  phone.screen = { name: typeof screen === 'string' ? screen : 'home', params: Object.fromEntries(texts) }
  phone.state = 'open'
  dismiss(phone, notificationId)
}

export function dismiss(phone: Phone, notificationId: string): void {
  phone.notifications = phone.notifications.filter((shown) => shown.id !== notificationId)
  if (phone.banner === notificationId) phone.banner = null
  if (phone.platform === 'android') phone.badge = phone.notifications.length
}

/** Opening the app reads what waits, as most apps do: the badge goes, the list stays. */
export function setState(phone: Phone, state: PhoneState): void {
  if (phone.state === state) return
  phone.state = state
  phone.banner = null
  if (state === 'open') phone.badge = 0
  else phone.screen = state === 'closed' ? null : phone.screen
}

function toShown(message: PushMessage, platform: Platform, id: string, at: number): Shown {
  const key = platform === 'ios' ? message.collapseId : message.tag
  return {
    id,
    title: textOf(message.title),
    subtitle: textOf(message.subtitle),
    body: textOf(message.body),
    data: keptData(message.data),
    sound: soundOf(message.sound),
    badge: typeof message.badge === 'number' ? message.badge : null,
    priority: typeof message.priority === 'string' ? message.priority : 'default',
    channelId: typeof message.channelId === 'string' ? textOf(message.channelId) : null,
    replaces: typeof key === 'string' ? textOf(key) : null,
    copies: 1,
    at,
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, MAX_TEXT) : ''
}

function soundOf(sound: unknown): string | null {
  if (typeof sound === 'string') return textOf(sound)
  if (typeof sound !== 'object' || sound === null) return null
  const { name } = sound as { name?: unknown }
  return typeof name === 'string' ? textOf(name) : null
}

function keptData(data: unknown): Record<string, unknown> {
  if (typeof data !== 'object' || data === null) return {}
  const whole = data as Record<string, unknown>
  if (Buffer.byteLength(JSON.stringify(whole)) <= MAX_DATA_BYTES) return whole
  return typeof whole.screen === 'string' ? { screen: textOf(whole.screen) } : {}
}
