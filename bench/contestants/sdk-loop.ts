/** The official SDK as its README shows it: a message a device, one chunk after the other. Nothing is saved. */
import { Expo, type ExpoPushMessage, type ExpoPushTicket } from 'expo-server-sdk'
import { serve, words } from './child.ts'

const expo = new Expo()

serve(
  (tokens) => tokens,
  async (tokens) => {
    const messages: ExpoPushMessage[] = []
    for (const pushToken of tokens) {
      if (!Expo.isExpoPushToken(pushToken)) continue
      messages.push({ to: pushToken, ...words })
    }
    const chunks = expo.chunkPushNotifications(messages)
    const tickets: ExpoPushTicket[] = []
    for (const chunk of chunks) {
      const ticketChunk = await expo.sendPushNotificationsAsync(chunk)
      tickets.push(...ticketChunk)
    }
  },
)
