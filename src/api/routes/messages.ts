/** Messages: stored and on their way to the receiver in one transaction; read by their two people only. */
import { randomUUIDv7 } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { all } from '../../domain/all.ts'
import { messageTypes } from '../../domain/texts/texts.ts'
import { findMessageFor, insertMessage, type MessageRow } from '../../store/notifications/messages.ts'
import { insertNotification } from '../../store/notifications/notifications.ts'
import { userOf } from '../callers/callers.ts'
import { inOneGo } from '../http/idempotency.ts'
import { missing } from '../http/missing.ts'
import { id, knownId, text, word } from '../http/text.ts'
import { aboutMessage } from '../notify.ts'
import type { ApiOptions } from '../options.ts'

/** The second document's route: apps out there may send more, which is ignored. */
const newMessage = z.object({ receiver_id: id(), message_type: word(messageTypes), content: text(1) })

export async function messageRoutes(instance: FastifyInstance, options: ApiOptions): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const { db } = options.database
  const config = { caller: 'user' } as const

  app.post('/message/send-message', { config, schema: { body: newMessage } }, async (request) => {
    const sender = userOf(request)
    const { receiver_id: receiverId, message_type: messageType, content } = request.body
    const messageId = randomUUIDv7()
    const notificationId = randomUUIDv7()
    return inOneGo(request, db, async (tx) => {
      const written = insertMessage(tx, { id: messageId, senderId: sender.id, receiverId, messageType, content })
      const message = { id: messageId, senderId: sender.id, receiverId, messageType, sender: sender.name, content }
      const about = aboutMessage(options, notificationId, message)
      const [row] = await all([written, insertNotification(tx, { ...about, trace: request.trace })])
      return { success: true, message: shown(row), notification_id: notificationId }
    })
  })

  app.get('/message/:id', { config, schema: { params: z.object({ id: text(1) }) } }, async (request) => {
    const message = await findMessageFor(db, knownId(request.params.id, 'message for you'), userOf(request).id)
    if (message === undefined) throw missing('message for you')
    return { success: true, message: shown(message) }
  })
}

function shown({ id: messageId, sender_id, receiver_id, message_type, content, created_at }: MessageRow): MessageRow {
  return { id: messageId, sender_id, receiver_id, message_type, content, created_at }
}
