/** The truth: every push that the fake Expo took, in the order it took them. Our program's books are judged by it. */
import type { Message } from './validate.ts'

/** How many notifications arrived in any 1,000 ms. */
export class SlidingSecond {
  max = 0
  #events: { at: number; count: number }[] = []
  #first = 0
  #sum = 0

  /** What stands in the second that ends now. */
  sum(now: number): number {
    while (this.#first < this.#events.length && this.#events[this.#first]!.at <= now - 1000)
      this.#sum -= this.#events[this.#first++]!.count
    if (this.#first > 10_000) {
      this.#events.splice(0, this.#first)
      this.#first = 0
    }
    return this.#sum
  }

  add(now: number, count: number): void {
    this.#events.push({ at: now, count })
    this.#sum += count
    this.max = Math.max(this.max, this.sum(now))
  }
}

export interface NotificationTruth {
  /** Pushes taken, repeats included. */
  accepted: number
  /** Devices that got at least one. */
  devices: number
  /** Pushes beyond the first of each device. */
  duplicates: number
  firstAt: number
  lastAt: number
}

/** The n-th push that was taken, in columns. */
export interface Columns {
  tickets: string[]
  tokens: string[]
  notifications: string[]
  times: number[]
  /** How often its receipt was asked for. */
  asked: number[]
  refused: { token: string; notification: string; code: string; at: number }[]
  /** By notification and token: answers that no sender could understand. */
  unclear: Record<string, Record<string, number>>
}

const TICKET_PREFIX = '01975b8d-8352-7beb-8000-'

export class Ledger {
  /** The n-th accepted recipient, in columns: a ticket's id is its place. */
  readonly tokens: string[] = []
  readonly messages: Message[] = []
  readonly times: number[] = []
  readonly receiptAsked: number[] = []
  readonly refused: { token: string; notification: string; code: string; at: number }[] = []
  /** How many answers a sender could not understand, by notification and token. */
  readonly ambiguous = new Map<string, Map<string, number>>()
  accepted = 0

  accept(token: string, message: Message, at: number, remember: boolean): string {
    const place = this.accepted++
    if (remember) {
      this.tokens.push(token)
      this.messages.push(message)
      this.times.push(at)
      this.receiptAsked.push(0)
    }
    return TICKET_PREFIX + place.toString(16).padStart(12, '0')
  }

  refuse(token: string, message: Message, code: string, at: number): void {
    this.refused.push({ token, notification: notificationOf(message), code, at })
  }

  leaveUnclear(messages: Message[]): void {
    for (const message of messages) {
      const notification = notificationOf(message)
      const counts = this.ambiguous.get(notification) ?? new Map<string, number>()
      this.ambiguous.set(notification, counts)
      for (const token of recipientsOf(message)) counts.set(token, (counts.get(token) ?? 0) + 1)
    }
  }

  /** The place of a ticket that we gave out, or undefined. */
  placeOf(ticketId: string): number | undefined {
    if (!ticketId.startsWith(TICKET_PREFIX)) return undefined
    const place = Number.parseInt(ticketId.slice(TICKET_PREFIX.length), 16)
    return place < this.tokens.length ? place : undefined
  }

  /** Everything that was taken and refused, for those who compare it with the program's books. */
  columns(): Columns {
    const unclear = [...this.ambiguous].map(([id, counts]) => [id, Object.fromEntries(counts)] as const)
    return {
      tickets: this.tokens.map((_, place) => TICKET_PREFIX + place.toString(16).padStart(12, '0')),
      tokens: this.tokens,
      notifications: this.messages.map(notificationOf),
      times: this.times,
      asked: this.receiptAsked,
      refused: this.refused,
      unclear: Object.fromEntries(unclear),
    }
  }

  /** How often each device got this notification. */
  countsOf(notification: string): Record<string, number> {
    const counts: Record<string, number> = {}
    this.messages.forEach((message, place) => {
      if (notificationOf(message) !== notification) return
      const token = this.tokens[place]!
      counts[token] = (counts[token] ?? 0) + 1
    })
    return counts
  }

  /** What one device got, oldest first. */
  pushesTo(token: string): { at: number; message: Omit<Message, 'to'> }[] {
    return this.tokens.flatMap((each, place) => {
      if (each !== token) return []
      const { to: _, ...message } = this.messages[place]!
      return [{ at: this.times[place]!, message }]
    })
  }

  byNotification(): Record<string, NotificationTruth> {
    const seen = new Map<string, { truth: NotificationTruth; devices: Set<string> }>()
    this.messages.forEach((message, place) => {
      const at = this.times[place]!
      const id = notificationOf(message)
      const entry = seen.get(id) ?? {
        truth: { accepted: 0, devices: 0, duplicates: 0, firstAt: at, lastAt: at },
        devices: new Set(),
      }
      seen.set(id, entry)
      entry.devices.add(this.tokens[place]!)
      entry.truth.accepted++
      entry.truth.lastAt = at
    })
    for (const { truth, devices } of seen.values()) {
      truth.devices = devices.size
      truth.duplicates = truth.accepted - devices.size
    }
    return Object.fromEntries([...seen].map(([id, { truth }]) => [id, truth]))
  }
}

export function notificationOf(message: Message): string {
  const id = message.data?.notification_id
  return typeof id === 'string' ? id : ''
}

export function recipientsOf(message: Message): string[] {
  return typeof message.to === 'string' ? [message.to] : message.to
}
