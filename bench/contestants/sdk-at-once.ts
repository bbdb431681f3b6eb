/** The official SDK with a message a device and all chunks at once, of which it sends six at a time. Nothing is saved. */
import { Expo } from 'expo-server-sdk'
import { serve, words } from './child.ts'

const expo = new Expo({ maxConcurrentRequests: 6 })

serve(
  (tokens) => tokens,
  async (tokens) => {
    const messages = tokens.map((to) => ({ to, ...words }))
    const chunks = expo.chunkPushNotifications(messages)
    await Promise.all(chunks.map((chunk) => expo.sendPushNotificationsAsync(chunk)))
  },
)
