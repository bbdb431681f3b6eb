/** What an Expo app has around us, as far as it is used here. The packages' shapes stand in expo-device.ts. */
declare module 'expo-notifications'
declare module 'react-native'
declare module 'expo-secure-store'
declare module 'expo-constants'
declare module 'expo-device'
declare module 'expo-application'
declare module 'expo-localization'

declare const setTimeout: (work: () => void, ms: number) => number
declare const clearTimeout: (timer: number) => void
declare const crypto: { randomUUID?(): string } | undefined
declare class AbortController {
  readonly signal: object
  abort(): void
}
interface Response {
  status: number
  headers: { get(name: string): string | null }
  json(): Promise<unknown>
}
declare const fetch: (url: string, request: object) => Promise<Response>
