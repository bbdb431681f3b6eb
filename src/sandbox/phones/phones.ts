/** All simulated phones, and the tokens that none of them holds. Bounded: neither grows with an audience. */
import { randomBytes, randomUUID } from 'node:crypto'
import type { PushMessage } from '../expo/message.ts'
import { dismiss, type Phone, type PhoneState, type Platform, receive, setState, tap } from './phone.ts'

/** More than a page can show; 60 phones with 30 long notifications each stay under 5 MB. */
const MAX_PHONES = 60
/** Tokens nobody holds that are counted one by one; beyond it only their notifications are counted. */
const MAX_STRANGERS = 1000
/** Strangers that the page names. */
const STRANGERS_NAMED = 12

export interface Strangers {
  tokens: number
  /** Whether there are more tokens than were counted. */
  more: boolean
  notifications: number
  latest: { token: string; title: string; notifications: number }[]
}

export type PhoneEvent =
  | { kind: 'phone'; id: string; rang?: string }
  | { kind: 'removed'; id: string }
  | { kind: 'strangers' }

export interface Kept {
  phones: Phone[]
  strangers: { notifications: number; tokens: [string, { count: number; title: string }][]; more: boolean }
}

export interface NewPhone {
  platform: Platform
  user: string
  userName: string
  state?: PhoneState
}

export class Phones {
  readonly #phones = new Map<string, Phone>()
  readonly #byToken = new Map<string, Phone>()
  readonly #strangers = new Map<string, { count: number; title: string }>()
  #strangersMore = false
  #strangersNotified = 0
  readonly #tell: (event: PhoneEvent) => void

  constructor(tell: (event: PhoneEvent) => void) {
    this.#tell = tell
  }

  all(): Phone[] {
    return [...this.#phones.values()]
  }

  get(id: string): Phone | undefined {
    return this.#phones.get(id)
  }

  add(wanted: NewPhone): Phone | undefined {
    if (this.#phones.size >= MAX_PHONES) return undefined
    const token = `ExponentPushToken[${randomBytes(17).toString('base64url').slice(0, 22)}]`
    const phone: Phone = {
      id: randomUUID(),
      platform: wanted.platform,
      user: wanted.user,
      userName: wanted.userName,
      token,
      state: wanted.state ?? 'background',
      registered: false,
      problem: null,
      note: null,
      badge: 0,
      screen: null,
      banner: null,
      notifications: [],
      rings: 0,
    }
    this.#keep(phone)
    this.#tell({ kind: 'phone', id: phone.id })
    return phone
  }

  remove(id: string): void {
    const phone = this.#phones.get(id)
    if (!phone) return
    this.#phones.delete(id)
    this.#byToken.delete(phone.token)
    this.#tell({ kind: 'removed', id })
  }

  change(phone: Phone, patch: Partial<Pick<Phone, 'user' | 'userName' | 'registered' | 'problem' | 'note'>>): void {
    Object.assign(phone, patch)
    this.#tell({ kind: 'phone', id: phone.id })
  }

  setState(phone: Phone, state: PhoneState): void {
    setState(phone, state)
    this.#tell({ kind: 'phone', id: phone.id })
  }

  tap(phone: Phone, notificationId: string): void {
    tap(phone, notificationId)
    this.#tell({ kind: 'phone', id: phone.id })
  }

  dismiss(phone: Phone, notificationId: string): void {
    dismiss(phone, notificationId)
    this.#tell({ kind: 'phone', id: phone.id })
  }

  /** Something beside the phones changed that shows on them. */
  tellAll(): void {
    for (const id of this.#phones.keys()) this.#tell({ kind: 'phone', id })
  }

  deliver(token: string, message: PushMessage): void {
    const phone = this.#byToken.get(token)
    if (!phone) return this.#countStranger(token, message)
    const shown = receive(phone, message, randomUUID(), Date.now())
    this.#tell({ kind: 'phone', id: phone.id, ...(shown ? { rang: shown.id } : {}) })
  }

  strangers(): Strangers {
    const latest = [...this.#strangers].slice(-STRANGERS_NAMED).toReversed()
    return {
      tokens: this.#strangers.size,
      more: this.#strangersMore,
      notifications: this.#strangersNotified,
      latest: latest.map(([token, { count, title }]) => ({ token, title, notifications: count })),
    }
  }

  forgetStrangers(): void {
    this.#strangers.clear()
    this.#strangersMore = false
    this.#strangersNotified = 0
    this.#tell({ kind: 'strangers' })
  }

  kept(): Kept {
    const tokens = [...this.#strangers]
    return {
      phones: this.all(),
      strangers: { notifications: this.#strangersNotified, tokens, more: this.#strangersMore },
    }
  }

  restore(kept: Kept): void {
    for (const phone of kept.phones.slice(0, MAX_PHONES)) this.#keep(phone)
    for (const [token, seen] of kept.strangers.tokens.slice(0, MAX_STRANGERS)) this.#strangers.set(token, seen)
    this.#strangersMore = kept.strangers.more
    this.#strangersNotified = kept.strangers.notifications
  }

  #keep(phone: Phone): void {
    this.#phones.set(phone.id, phone)
    this.#byToken.set(phone.token, phone)
  }

  #countStranger(token: string, message: PushMessage): void {
    this.#strangersNotified++
    const seen = this.#strangers.get(token)
    const title = typeof message.title === 'string' ? message.title.slice(0, 120) : ''
    if (seen) {
      seen.count++
      seen.title = title
    } else if (this.#strangers.size < MAX_STRANGERS) this.#strangers.set(token, { count: 1, title })
    else this.#strangersMore = true
    this.#tell({ kind: 'strangers' })
  }
}
