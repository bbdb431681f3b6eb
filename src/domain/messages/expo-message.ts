/** One message object of a request to Expo: the same content to every push token in `to`. */
export interface ExpoMessage {
  to: string[]
  title?: string
  body?: string
  data?: Record<string, unknown>
  sound?: string | null
  priority?: 'default' | 'normal' | 'high'
  channelId?: string
  /** Android: replaces the shown notification with the same tag. */
  tag?: string
  /** iOS: replaces the shown notification with the same id. Never unique for Android (Google keeps four). */
  collapseId?: string
  [option: string]: unknown
}
