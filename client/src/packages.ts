/** What is used of each package of an Expo app; the example app checks it against the real ones. */
import type { Notifications } from './device.ts'

export interface Packages {
  notifications?: Notifications
  native?: { Platform: { OS: string }; AppState: AppState }
  store?: SecureStore
  constants?: { default: Constants }
  device?: { isDevice: boolean }
  application?: { nativeApplicationVersion: string | null }
  localization?: Localization
}
interface AppState {
  addEventListener(type: 'change', listener: (state: string) => void): { remove(): void }
}
export interface SecureStore {
  AFTER_FIRST_UNLOCK_THIS_DEVICE_ONLY?: unknown
  getItemAsync(key: string, options?: object): Promise<string | null>
  setItemAsync(key: string, value: string, options?: object): Promise<void>
}
interface Constants {
  executionEnvironment?: string
  expoConfig?: { version?: string; extra?: { eas?: { projectId?: string } } } | null
  easConfig?: { projectId?: string } | null
}
interface Localization {
  getLocales(): { languageTag: string }[]
  getCalendars(): { timeZone: string | null }[]
}
