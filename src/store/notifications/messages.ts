/** Messages between two users. */
import { type Selectable, sql } from 'kysely'
import type { Db } from '../database/db.ts'
import type { Tables } from '../schema/tables.ts'

export type MessageRow = Selectable<Tables['messages']>

/** Its receiver is written down when nobody has heard of them yet. */
export async function insertMessage(
  db: Db,
  message: { id: string; senderId: string; receiverId: string; messageType: string; content: string },
): Promise<MessageRow> {
  const [row] = await db.rows<MessageRow>(sql`
    with met as (insert into ${db.t.users} (id) values (${message.receiverId}) on conflict (id) do nothing)
    insert into ${db.t.messages} (id, sender_id, receiver_id, message_type, content)
    values (${message.id}, ${message.senderId}, ${message.receiverId}, ${message.messageType}, ${message.content})
    returning id, sender_id, receiver_id, message_type, content, created_at`)
  return row as MessageRow
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
