/** What posts, messages and test pushes have in common, and what is said of a post or message, wherever it is stored. */
import type { ExpoOptions } from '../domain/notification.ts'
import { type MessageType, messageText, postText, type Texts } from '../domain/texts/texts.ts'
import type { NewNotification } from '../store/notifications/notifications.ts'

/** As both documents send it. */
export const soundedLikeTheDocuments = {
  sound: 'default',
  priority: 'high',
  channelId: 'default',
} satisfies ExpoOptions

interface Wording {
  texts: Texts
  ttlSeconds: number
}

/** Everyone but the author is told. @param id of the notification. */
export function aboutPost(
  { texts, ttlSeconds }: Wording,
  id: string,
  post: { id: string; authorId: string; username: string | null; title: string },
): NewNotification {
  return {
    id,
    kind: 'post',
    lane: 'broadcast',
    audience: { everyone: true, except: [post.authorId] },
    content: {
      ...postText(texts, post),
      data: { post_id: post.id, screen: 'post_detail', notification_id: id },
      options: soundedLikeTheDocuments,
    },
    createdBy: post.authorId,
    ttlSeconds,
  }
}

/** Every device of the receiver is told. @param id of the notification. */
export function aboutMessage(
  { texts, ttlSeconds }: Wording,
  id: string,
  message: {
    id: string
    senderId: string
    receiverId: string
    messageType: MessageType
    sender: string | null
    content: string
  },
): NewNotification {
  return {
    id,
    kind: 'message',
    lane: 'direct',
    audience: { users: [message.receiverId] },
    content: {
      ...messageText(texts, message.messageType, message),
      data: {
        message_id: message.id,
        message_type: message.messageType,
        sender_id: message.senderId,
        screen: 'messages',
        notification_id: id,
      },
      options: soundedLikeTheDocuments,
    },
    createdBy: message.senderId,
    ttlSeconds,
  }
}
