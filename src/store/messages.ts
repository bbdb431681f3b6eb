import type { Selectable } from 'kysely'
import type { Db } from './db.ts'
import type { Tables } from './tables.ts'

export type MessageRow = Selectable<Tables['messages']>

export async function insertMessage(
  db: Db,
  message: { id: string; senderId: string; receiverId: string; messageType: string; content: string },
): Promise<MessageRow> {
  return db.kysely
    .insertInto('messages')
    .values({
      id: message.id,
      sender_id: message.senderId,
      receiver_id: message.receiverId,
      message_type: message.messageType,
      content: message.content,
    })
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** Only its sender and its receiver find it. */
export async function findMessageFor(db: Db, id: string, userId: string): Promise<MessageRow | undefined> {
  return db.kysely
    .selectFrom('messages')
    .selectAll()
    .where('id', '=', id)
    .where((eb) => eb.or([eb('sender_id', '=', userId), eb('receiver_id', '=', userId)]))
    .executeTakeFirst()
}
