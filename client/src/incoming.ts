/** What arrives: shown or not while the app is open, and every tap followed once, however often it is heard of. */
import type { Behavior, Device, ReceivedNotification, TapResponse } from './device.ts'
import type { Memory } from './memory.ts'
import { dataOf, identityOf, notificationIdOf, pathOf, type Tap, tapOf } from './taps.ts'

export interface IncomingOptions {
  /** While the app is open. By default everything is shown but what belongs to the screen that is open (`setViewing`). */
  onForeground?(notification: ReceivedNotification): 'show' | 'hide' | Promise<'show' | 'hide'>
  onTap?(tap: Tap): void
  /** For Expo Router: `{ post_detail: '/posts/[post_id]', messages: '/messages/[sender_id]' }`, and `router.push`. */
  routes?: Record<string, string>
  navigate?(path: string): void
}

const MOST_REMEMBERED = 200
/** For ten seconds; what cannot be led to by then is a fault that its developer should see. */
const NAVIGATE_TRIES = 100
const NAVIGATE_AGAIN_MS = 100

export class Incoming {
  readonly #options: IncomingOptions
  readonly #device: Device
  readonly #memory: Memory
  readonly #onOpened: () => void
  readonly #shown = new Set<string>()
  #viewing: Record<string, string> | null = null

  constructor(options: IncomingOptions, device: Device, memory: Memory, onOpened: () => void) {
    this.#options = options
    this.#device = device
    this.#memory = memory
    this.#onOpened = onOpened
  }

  /** What the person looks at, as a notification's data would name it: `{ screen: 'messages', sender_id }`. */
  setViewing(data: Record<string, string> | null): void {
    this.#viewing = data
  }

  start(): () => void {
    const { notifications, unsupported } = this.#device
    if (!notifications || unsupported === 'not_a_phone') return () => {}
    notifications.setNotificationHandler({ handleNotification: (one) => this.#behave(one) })
    const listening = notifications.addNotificationResponseReceivedListener((response) => this.#follow(response))
    void this.#followLast()
    return () => {
      listening.remove()
      notifications.setNotificationHandler(null)
    }
  }

  /** Nothing of the one who logged out stays on the screen. */
  async clear(): Promise<void> {
    const { notifications } = this.#device
    await Promise.allSettled([notifications?.dismissAllNotificationsAsync?.(), notifications?.setBadgeCountAsync?.(0)])
  }

  async #behave(notification: ReceivedNotification): Promise<Behavior> {
    const shows = await this.#isToBeShown(notification)
    return { shouldShowBanner: shows, shouldShowList: shows, shouldPlaySound: shows, shouldSetBadge: shows }
  }

  async #isToBeShown(notification: ReceivedNotification): Promise<boolean> {
    const id = notificationIdOf(notification)
    if (id !== undefined && this.#shown.has(id)) return false
    if (id !== undefined) this.#shown.add(id)
    const [oldest] = this.#shown
    if (this.#shown.size > MOST_REMEMBERED && oldest !== undefined) this.#shown.delete(oldest)
    try {
      return ((await this.#options.onForeground?.(notification)) ?? this.#usual(notification)) === 'show'
    } catch {
      // Better once too often than not at all.
      return true
    }
  }

  #usual(notification: ReceivedNotification): 'show' | 'hide' {
    if (this.#viewing === null) return 'show'
    const data = dataOf(notification)
    return Object.entries(this.#viewing).every(([name, value]) => data[name] === value) ? 'hide' : 'show'
  }

  /** The app was started by a tap, before anybody listened. */
  async #followLast(): Promise<void> {
    const { notifications } = this.#device
    try {
      const last = notifications!.getLastNotificationResponse
        ? notifications!.getLastNotificationResponse()
        : await notifications!.getLastNotificationResponseAsync?.()
      if (last) this.#follow(last)
    } catch {}
  }

  #follow(response: TapResponse): void {
    const identity = identityOf(response)
    const isKnown = this.#memory.get('taps').includes(identity)
    this.#forgetLast()
    if (isKnown) return
    void this.#memory.add('taps', identity)
    const id = notificationIdOf(response.notification)
    if (id !== undefined) {
      void this.#memory.add('opened', id)
      this.#onOpened()
    }
    const tap = tapOf(response)
    this.#options.onTap?.(tap)
    const path = pathOf(tap, this.#options.routes ?? {})
    if (path !== undefined) this.#navigate(path, NAVIGATE_TRIES)
  }

  /** Expo Router throws until its root layout is there, which may wait for fonts or a session when a tap starts the app. */
  #navigate(path: string, tries: number): void {
    try {
      this.#options.navigate?.(path)
    } catch (error) {
      if (tries === 1) throw error
      this.#device.after(NAVIGATE_AGAIN_MS, () => this.#navigate(path, tries - 1))
    }
  }

  /** It stays until it is cleared, and would be there again after a reload. */
  #forgetLast(): void {
    const { notifications } = this.#device
    try {
      if (notifications?.clearLastNotificationResponse) notifications.clearLastNotificationResponse()
      else void notifications?.clearLastNotificationResponseAsync?.().catch(() => undefined)
    } catch {}
  }
}
