/**
 * `expo-notifications` as the system behind it behaves: what it remembers outlives the app's process, and asking it
 * for a token tells that token to every listener again. The example app checks that the real package fits the same door.
 */
import type { Behavior, NativeToken, Notifications, ReceivedNotification, TapResponse } from '../src/device.ts'

const DEFAULT_ACTION = 'expo.modules.notifications.actions.DEFAULT'

export interface FakeNotifications {
  /** What an app imports. */
  module: Notifications
  permission: 'undetermined' | 'granted' | 'provisional' | 'denied'
  /** What the person answers when asked; how often they were. */
  answer: 'granted' | 'denied'
  asked: number
  channels: string[]
  expoToken: string
  /** What Expo's or the system's side does when a token is asked for. */
  trouble: 'none' | 'offline' | 'expo_rejects' | 'system_fails'
  expoCalls: { projectId?: string; devicePushToken?: NativeToken }[]
  dismissed: number
  /** The system gives the app another token; Expo's mostly stays the same. */
  rotate(expoToken?: string): void
  /** A push while the app is open; answers whether it is shown. */
  receive(notification: ReceivedNotification): Promise<boolean>
  /** A tap; a running app hears of it at once, another one finds it when it starts. */
  tap(notification: ReceivedNotification, action?: string): void
  /** The app's process ends, and its listeners with it. */
  die(): void
}

let natives = 0

export function fakeNotifications(options: { platform: 'ios' | 'android'; expoToken: string }): FakeNotifications {
  const { platform } = options
  let native: NativeToken = { type: platform, data: `native-${++natives}` }
  let last: TapResponse | null = null
  let handler: { handleNotification(n: ReceivedNotification): Promise<Behavior> } | null = null
  const tokenListeners = new Set<(token: NativeToken) => void>()
  const tapListeners = new Set<(response: TapResponse) => void>()
  const listen = <T>(listeners: Set<T>, one: T) => {
    listeners.add(one)
    return { remove: () => void listeners.delete(one) }
  }
  /** The real one keeps a rejected promise for good, and answers with it until the process ends. */
  let systemFailure: Promise<never> | null = null

  const permissionAnswer = () => ({
    status: fake.permission === 'provisional' ? 'undetermined' : fake.permission,
    granted: fake.permission === 'granted',
    ...(platform === 'ios' && {
      ios: { status: { undetermined: 0, denied: 1, granted: 2, provisional: 3 }[fake.permission] },
    }),
  })

  async function nativeToken(): Promise<NativeToken> {
    if (systemFailure) return systemFailure
    if (fake.trouble === 'system_fails') return (systemFailure = Promise.reject(new Error('no token from the system')))
    await Promise.resolve()
    for (const tell of tokenListeners) tell(native)
    return native
  }

  const module: Notifications = {
    async setNotificationChannelAsync(id) {
      if (!fake.channels.includes(id)) fake.channels.push(id)
      return null
    },
    async getPermissionsAsync() {
      return permissionAnswer()
    },
    async requestPermissionsAsync(request) {
      // Android 13 shows nothing while the app has no channel.
      const isShown = platform === 'ios' || fake.channels.length > 0
      if (fake.permission === 'undetermined' && isShown) {
        fake.asked++
        fake.permission = request?.ios?.allowProvisional && platform === 'ios' ? 'provisional' : fake.answer
      }
      return permissionAnswer()
    },
    async getExpoPushTokenAsync(request = {}) {
      if (!request.devicePushToken) await nativeToken()
      fake.expoCalls.push(request)
      if (!request.projectId) throw coded('ERR_NOTIFICATIONS_NO_EXPERIENCE_ID')
      if (fake.trouble === 'offline') throw coded('ERR_NOTIFICATIONS_NETWORK_ERROR')
      if (fake.trouble === 'expo_rejects') throw coded('ERR_NOTIFICATIONS_SERVER_ERROR')
      return { type: 'expo', data: fake.expoToken }
    },
    addPushTokenListener: (listener) => listen(tokenListeners, listener),
    setNotificationHandler: (one) => void (handler = one),
    addNotificationResponseReceivedListener: (listener) => listen(tapListeners, listener),
    getLastNotificationResponse: () => last,
    clearLastNotificationResponse: () => void (last = null),
    dismissAllNotificationsAsync: async () => void fake.dismissed++,
    setBadgeCountAsync: async () => true,
  }

  const fake: FakeNotifications = {
    module,
    permission: 'granted',
    answer: 'granted',
    asked: 0,
    channels: [],
    expoToken: options.expoToken,
    trouble: 'none',
    expoCalls: [],
    dismissed: 0,
    rotate(expoToken = fake.expoToken) {
      native = { type: platform, data: `native-${++natives}` }
      fake.expoToken = expoToken
      for (const tell of tokenListeners) tell(native)
    },
    async receive(notification) {
      return (await handler?.handleNotification(notification))?.shouldShowBanner ?? false
    },
    tap(notification, actionIdentifier = DEFAULT_ACTION) {
      last = { notification, actionIdentifier }
      for (const tell of tapListeners) tell(last)
    },
    die() {
      tokenListeners.clear()
      tapListeners.clear()
      handler = null
      systemFailure = null
    },
  }
  return fake
}

const coded = (code: string) => Object.assign(new Error(`rejected: ${code}`), { code })

let received = 0
export function notificationWith(data: Record<string, unknown>): ReceivedNotification {
  return { request: { identifier: `request-${++received}`, content: { title: 'A title', body: 'Words', data } } }
}
