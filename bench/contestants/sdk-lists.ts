/** The official SDK at its best: one message with a list of all devices, six requests at a time. Nothing is saved. */
import { Expo } from 'expo-server-sdk'
import { serve, words } from './child.ts'

const expo = new Expo({ maxConcurrentRequests: 6 })

serve(
  (tokens) => tokens,
  async (tokens) => {
    const chunks = expo.chunkPushNotifications([{ to: tokens, ...words }])
    await Promise.all(chunks.map((chunk) => expo.sendPushNotificationsAsync(chunk)))
  },
)
