/** What users wish to hear: topics they follow, kinds they muted; and what they opened. */
import { sql } from 'kysely'
import type { NotificationKind } from '../../domain/notification.ts'
import type { Db } from '../database/db.ts'
import { chunkOf } from '../ledger/ledger.ts'

/** Subscribing twice is no error. */
export async function subscribe(db: Db, topic: string, userId: string): Promise<void> {
  await db.kysely
    .insertInto('subscriptions')
    .values({ topic, user_id: userId })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

export async function unsubscribe(db: Db, topic: string, userId: string): Promise<void> {
  await db.kysely.deleteFrom('subscriptions').where('topic', '=', topic).where('user_id', '=', userId).execute()
}

export async function topicsOf(db: Db, userId: string): Promise<string[]> {
  const rows = await db.kysely
    .selectFrom('subscriptions')
    .select('topic')
    .where('user_id', '=', userId)
    .orderBy('topic')
    .execute()
  return rows.map((row) => row.topic)
}

export async function mutesOf(db: Db, userId: string): Promise<NotificationKind[]> {
  const rows = await db.kysely
    .selectFrom('mutes')
    .select('kind')
    .where('user_id', '=', userId)
    .orderBy('kind')
    .execute()
  return rows.map((row) => row.kind)
}

/** These kinds and no others. Said twice at once, one after the other: both together would mute what neither said. */
export async function setMutes(db: Db, userId: string, kinds: NotificationKind[]): Promise<void> {
  await db.transaction(async (tx) => {
    await sql`select id from ${tx.t.users} where id = ${userId} for no key update`.execute(tx.kysely)
    await sql`delete from ${tx.t.mutes} where user_id = ${userId} and kind <> all(${kinds}::text[])`.execute(tx.kysely)
    await sql`
      insert into ${tx.t.mutes} (user_id, kind) select ${userId}, unnest(${kinds}::text[])
      on conflict do nothing`.execute(tx.kysely)
  })
}

/**
 * Counted once for each user. Who follows a topic changes; whom a notification to it was meant for, the ledger knows.
 * @returns false when the notification was not for them.
 */
export async function recordOpened(db: Db, notificationId: string, userId: string): Promise<boolean> {
  const [row] = await db.rows<{ theirs: boolean }>(sql`
    with theirs as (
      select n.id from ${db.t.notifications} n
      where n.id = ${notificationId} and not coalesce(n.audience -> 'except', '[]') ? ${userId}::text
        and (n.audience ? 'everyone' or n.audience -> 'users' ? ${userId}::text or exists (
          select from ${db.t.push_tokens} p join ${db.t.deliveries} d on d.notification_id = n.id and d.chunk = ${chunkOf(db, sql`n.id`, sql`p.id`)}
            and p.id = any(d.token_ids)
          where p.user_id = ${userId}))),
    counted as (
      insert into ${db.t.opens} (notification_id, user_id) select id, ${userId} from theirs on conflict do nothing)
    select exists (select from theirs) as theirs`)
  return row?.theirs ?? false
}
