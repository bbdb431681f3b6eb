/** All that is kept about one person, for them to read. */
import { sql } from 'kysely'
import { type ResultName, resultName } from '../../domain/answers/result.ts'
import type { Content } from '../../domain/notification.ts'
import type { Db } from '../database/db.ts'
import { type Stretch, stretches } from '../database/stretches.ts'
import { chunkOf } from '../ledger/ledger.ts'
import { type Actor, type AuditRow, audit } from '../operator/audit.ts'

export interface PersonLists {
  push_tokens: { id: number; token: string }
  token_history: { push_token_id: number; at: Date; kind: string; detail: string | null }
  posts: { id: string; title: string }
  messages: { id: string; sender_id: string; receiver_id: string; content: string }
  /** Those that name them; what goes to everyone is told by what was delivered. */
  notifications: { id: string; kind: string; content: Content }
  deliveries: { notification_id: string; push_token_id: number; outcome: ResultName; sent_at: Date | null }
  opened: { notification_id: string; at: Date }
  topics: { topic: string; created_at: Date }
  mutes: { kind: string; created_at: Date }
  audit: AuditRow
}

/** Some more rows of one list, perhaps none. Every list comes, one after the other. */
export type Part = { [Name in keyof PersonLists]: { name: Name; rows: PersonLists[Name][] } }[keyof PersonLists]

export interface PersonExport {
  user: { id: string; name: string | null; created_at: Date; updated_at: Date } | null
  parts: AsyncIterable<Part>
}

/** @returns undefined: nothing is known of them. */
export async function exportUser(db: Db, id: string, by: Actor): Promise<PersonExport | undefined> {
  const user = (await db.kysely.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst()) ?? null
  const parts = partsOf(db, id)
  const read: Part[] = []
  // Of somebody who is no user something may be left all the same.
  while (user === null && !read.at(-1)?.rows.length) {
    const { done, value } = await parts.next()
    if (done) return undefined
    read.push(value)
  }
  await audit(db, { actor: by, action: 'user.export', subject: `user:${id}` })
  return { user, parts: after(read, parts) }
}

async function* after(read: Part[], rest: AsyncIterable<Part>): AsyncGenerator<Part> {
  yield* read
  yield* rest
}

/** What each of their devices got of so many notifications is looked up at once, for all of them together. */
const LOOKUPS_AT_ONCE = 5_000

async function* partsOf(db: Db, id: string): AsyncGenerator<Part, undefined> {
  const { t } = db
  const tokens = await db.rows<PersonLists['push_tokens']>(sql`
    select id, token, device_type, installation_id, project, locale, time_zone, app_version, active, inactive_reason,
      inactive_at, created_at, updated_at from ${t.push_tokens} where user_id = ${id} order by id`)
  yield { name: 'push_tokens', rows: tokens }
  yield {
    name: 'token_history',
    rows: await db.rows(sql`
      select push_token_id, at, kind, detail from ${t.token_events} where user_id = ${id} or from_user_id = ${id} order by id`),
  }
  for await (const stretch of stretches(db, t.posts, { of: sql`user_id = ${id}` }))
    yield { name: 'posts', rows: await postsIn(db, stretch) }
  for await (const stretch of stretches(db, t.messages, { of: sql`(sender_id = ${id} or receiver_id = ${id})` }))
    yield { name: 'messages', rows: await messagesIn(db, stretch) }
  for await (const stretch of stretches(db, t.notifications))
    yield { name: 'notifications', rows: await notificationsIn(db, id, stretch) }
  const length = Math.ceil(LOOKUPS_AT_ONCE / Math.max(1, tokens.length))
  for await (const stretch of stretches(db, t.notifications, { length }))
    yield { name: 'deliveries', rows: await deliveriesIn(db, id, stretch) }
  yield {
    name: 'opened',
    rows: await db.rows(sql`select notification_id, at from ${t.opens} where user_id = ${id} order by at`),
  }
  yield {
    name: 'topics',
    rows: await db.rows(sql`select topic, created_at from ${t.subscriptions} where user_id = ${id} order by topic`),
  }
  yield {
    name: 'mutes',
    rows: await db.rows(sql`select kind, created_at from ${t.mutes} where user_id = ${id} order by kind`),
  }
  yield {
    name: 'audit',
    rows: await db.rows(sql`
      select id, at, actor, action, subject, detail from ${t.audit}
      where actor = ${`user:${id}`} or subject = ${`user:${id}`} order by id`),
  }
}

const postsIn = (db: Db, stretch: Stretch) =>
  db.rows<PersonLists['posts']>(sql`
    select id, title, text_content, content_type, created_at from ${db.t.posts} where ${stretch} order by id`)

const messagesIn = (db: Db, stretch: Stretch) =>
  db.rows<PersonLists['messages']>(sql`
    select id, sender_id, receiver_id, message_type, content, created_at from ${db.t.messages} where ${stretch} order by id`)

const namesThem = (id: string) =>
  sql<boolean>`lane = 'direct' and audience -> 'users' @> jsonb_build_array(${id}::text)`

const notificationsIn = (db: Db, id: string, stretch: Stretch) =>
  db.rows<PersonLists['notifications']>(sql`
    select id, kind, content, state, created_at from ${db.t.notifications}
    where ${stretch} and ${namesThem(id)} order by id`)

/** What came of all that was sent in this stretch of the notifications, on their devices. */
async function deliveriesIn(db: Db, id: string, stretch: Stretch): Promise<PersonLists['deliveries'][]> {
  const rows = await db.rows<Omit<PersonLists['deliveries'], 'outcome'> & { result: number }>(sql`
    select n.id as notification_id, p.id as push_token_id, coalesce(d.results[array_position(d.token_ids, p.id)], 0) as result,
      d.skip_reason, d.sent_at, d.settled_at, r.code, r.message
    from ${db.t.push_tokens} p
    cross join (select id, lane from ${db.t.notifications} where ${stretch} and (lane = 'broadcast' or ${namesThem(id)})) n
    cross join lateral (
      select id, results, token_ids, skip_reason, sent_at, settled_at from ${db.t.deliveries} d
      where d.notification_id = n.id and d.chunk = case when n.lane = 'direct' then 0 else ${chunkOf(db, sql`n.id`, sql`p.id`)} end
        and p.id = any(d.token_ids)
      -- So that each is looked up by its key, and the ledger never read through.
      offset 0) d
    left join lateral (
      select code, message from ${db.t.refusals} f
      where f.delivery_id = d.id and f.push_token_id = p.id order by f.id desc limit 1) r on true
    where p.user_id = ${id} order by n.id, d.id, p.id`)
  return rows.map(({ result, ...row }) => ({ ...row, outcome: resultName(result) }))
}
