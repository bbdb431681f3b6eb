/** All that is kept about one person, for them to read. */
import { sql } from 'kysely'
import { type ResultName, resultName } from '../../domain/answers/result.ts'
import type { Content } from '../../domain/notification.ts'
import type { Db } from '../database/db.ts'
import { type Stretch, stretches } from '../database/stretches.ts'
import { type Actor, type AuditRow, audit } from '../operator/audit.ts'

export interface PersonExport {
  user: { id: string; name: string | null; created_at: Date; updated_at: Date } | null
  push_tokens: { id: number; token: string }[]
  token_history: { push_token_id: number; at: Date; kind: string; detail: string | null }[]
  posts: { id: string; title: string }[]
  messages: { id: string; sender_id: string; receiver_id: string; content: string }[]
  /** Those that name them; what goes to everyone is told by what was delivered. */
  notifications: { id: string; kind: string; content: Content }[]
  deliveries: { notification_id: string; push_token_id: number; outcome: ResultName; sent_at: Date | null }[]
  opened: { notification_id: string; at: Date }[]
  topics: { topic: string; created_at: Date }[]
  mutes: { kind: string; created_at: Date }[]
  audit: AuditRow[]
}

/** @returns undefined: nothing is known of them. */
export async function exportUser(db: Db, id: string, by: Actor): Promise<PersonExport | undefined> {
  const { t } = db
  const noted: Awaited<ReturnType<typeof notedIn>>[] = []
  for await (const stretch of stretches(db, t.notifications)) noted.push(await notedIn(db, id, stretch))
  const all: PersonExport = {
    user: (await db.kysely.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst()) ?? null,
    push_tokens: await db.rows(sql`
      select id, token, device_type, installation_id, project, locale, time_zone, app_version, active, inactive_reason,
        inactive_at, created_at, updated_at from ${t.push_tokens} where user_id = ${id} order by id`),
    token_history: await db.rows(sql`
      select push_token_id, at, kind, detail from ${t.token_events} where user_id = ${id} or from_user_id = ${id} order by id`),
    posts: await db.rows(sql`
      select id, title, text_content, content_type, created_at from ${t.posts} where user_id = ${id} order by id`),
    messages: await db.rows(sql`
      select id, sender_id, receiver_id, message_type, content, created_at from ${t.messages}
      where sender_id = ${id} or receiver_id = ${id} order by id`),
    notifications: noted.flatMap((one) => one.notifications),
    deliveries: noted.flatMap((one) => one.deliveries),
    opened: await db.rows(sql`select notification_id, at from ${t.opens} where user_id = ${id} order by at`),
    topics: await db.rows(sql`select topic, created_at from ${t.subscriptions} where user_id = ${id} order by topic`),
    mutes: await db.rows(sql`select kind, created_at from ${t.mutes} where user_id = ${id} order by kind`),
    audit: await db.rows(sql`
      select id, at, actor, action, subject, detail from ${t.audit}
      where ${`user:${id}`} in (actor, subject) order by id`),
  }
  const { user, ...lists } = all
  if (user === null && Object.values(lists).every((list) => list.length === 0)) return undefined
  await audit(db, { actor: by, action: 'user.export', subject: `user:${id}` })
  return all
}

/** What named them in this stretch of the notifications, and what came of everything in it on their devices. */
async function notedIn(
  db: Db,
  id: string,
  stretch: Stretch,
): Promise<Pick<PersonExport, 'notifications' | 'deliveries'>> {
  const namesThem = sql<boolean>`lane = 'direct' and audience -> 'users' @> jsonb_build_array(${id}::text)`
  const notifications = await db.rows<PersonExport['notifications'][number]>(sql`
    select id, kind, content, state, created_at from ${db.t.notifications}
    where ${stretch} and ${namesThem} order by id`)
  // A chunk is named by its first push token, so a token's chunk is the last one that begins at or before it.
  const deliveries = await db.rows<Omit<PersonExport['deliveries'][number], 'outcome'> & { result: number }>(sql`
    select n.id as notification_id, p.id as push_token_id, coalesce(d.results[array_position(d.token_ids, p.id)], 0) as result,
      d.skip_reason, d.sent_at, d.settled_at, r.code, r.message
    from ${db.t.push_tokens} p
    cross join (select id, lane from ${db.t.notifications} where ${stretch} and (lane = 'broadcast' or ${namesThem})) n
    cross join lateral (
      select id, results, token_ids, skip_reason, sent_at, settled_at from ${db.t.deliveries} d
      where d.notification_id = n.id and d.chunk = case when n.lane = 'direct' then 0 else (
        select max(c.chunk) from ${db.t.deliveries} c where c.notification_id = n.id and c.chunk <= p.id) end
        and p.id = any(d.token_ids)
      -- So that each is looked up by its key, and the ledger never read through.
      offset 0) d
    left join lateral (
      select code, message from ${db.t.refusals} f
      where f.delivery_id = d.id and f.push_token_id = p.id order by f.id desc limit 1) r on true
    where p.user_id = ${id} order by n.id, d.id, p.id`)
  return {
    notifications,
    deliveries: deliveries.map(({ result, ...row }) => ({ ...row, outcome: resultName(result) })),
  }
}
