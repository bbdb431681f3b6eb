/** The one door to the phone: everything that the client needs of it. Tests and unusual apps bring their own. */
import type { DeviceType } from '../../src/domain/app-api.ts'

export interface Device {
  platform: DeviceType | 'other'
  /** Why no remote push can arrive here; null when one can. */
  unsupported: 'expo_go' | 'simulator' | 'not_a_phone' | 'not_installed' | null
  /** `expo-notifications`, or something of its shape. */
  notifications: Notifications | null
  storage: Storage
  projectId?: string | undefined
  appVersion?: string | undefined
  /** Asked at every registration: people travel, and change their language. */
  locale(): string | undefined
  timeZone(): string | undefined
  /** Calls when the app comes back to the foreground. @returns how to stop. */
  onForeground(listener: () => void): () => void
  fetch(url: string, request: HttpRequest): Promise<HttpResponse>
  now(): number
  /** @returns how to call it off. */
  after(ms: number, work: () => void): () => void
  random(): number
}

/** Text under a name, kept across starts, best where only this app on this phone can read it. */
export interface Storage {
  get(name: string): Promise<string | null>
  set(name: string, value: string): Promise<void>
}

export interface HttpRequest {
  method: string
  headers: Record<string, string>
  body?: string
}
export interface HttpResponse {
  status: number
  headers: { get(name: string): string | null }
  json(): Promise<unknown>
}

/** The part of `expo-notifications` that is used; the example app checks it against the real package's types. */
export interface Notifications {
  setNotificationChannelAsync(id: string, channel: { name: string; importance: number }): Promise<unknown>
  getPermissionsAsync(): Promise<PermissionAnswer>
  requestPermissionsAsync(request?: { ios?: IosPermissionRequest }): Promise<PermissionAnswer>
  getExpoPushTokenAsync(options?: { projectId?: string; devicePushToken?: NativeToken }): Promise<{ data: string }>
  addPushTokenListener(listener: (token: NativeToken) => void): Subscription
  setNotificationHandler(handler: { handleNotification(n: ReceivedNotification): Promise<Behavior> } | null): void
  addNotificationResponseReceivedListener(listener: (response: TapResponse) => void): Subscription
  getLastNotificationResponse?(): TapResponse | null | undefined
  getLastNotificationResponseAsync?(): Promise<TapResponse | null | undefined>
  clearLastNotificationResponse?(): void
  clearLastNotificationResponseAsync?(): Promise<void>
  dismissAllNotificationsAsync?(): Promise<unknown>
  setBadgeCountAsync?(count: number): Promise<unknown>
}

export interface PermissionAnswer {
  status: string
  granted: boolean
  ios?: { status: number }
}
export interface IosPermissionRequest {
  allowAlert?: boolean
  allowBadge?: boolean
  allowSound?: boolean
  allowProvisional?: boolean
}
/** What Apple or Google call this installation; Expo's token stands for it. */
export interface NativeToken {
  type: string
  data: unknown
}
export interface Subscription {
  remove(): void
}
export interface ReceivedNotification {
  request: {
    identifier: string
    content: { title: string | null; body: string | null; data?: Record<string, unknown> | null }
  }
}
export interface TapResponse {
  actionIdentifier: string
  userText?: string
  notification: ReceivedNotification
}
export interface Behavior {
  shouldShowBanner: boolean
  shouldShowList: boolean
  shouldPlaySound: boolean
  shouldSetBadge: boolean
}
