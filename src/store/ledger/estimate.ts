/** The size of a notification's whole audience. Only progress and the ETA depend on it; the books never do. */
import { type RawBuilder, sql } from 'kysely'
import type { Audience } from '../../domain/notification.ts'
import type { Db } from '../database/db.ts'
import { followersOf, IN_AUDIENCE } from './plan.ts'

/** Ids looked at in one statement: on the embedded database, a longer one would keep everybody waiting. */
const IDS_AT_ONCE = 50_000

/**
 * For a broadcast, a job does this when the first page is cut. Whoever looks at it before, or at a direct notification, does it then.
 * @returns how many devices; 0 where there is no such notification.
 */
export async function estimateAudience(db: Db, notificationId: string): Promise<number> {
  const [n] = await db.rows<{ last: number; audience: Audience }>(sql`
    select max_token_id as last, audience from ${db.t.notifications} where id = ${notificationId}`)
  if (!n) return 0
  const estimated = 'users' in n.audience ? await countOf(db, n.audience) : await countUpTo(db, n.last, n.audience)
  await db.kysely.updateTable('notifications').set({ estimated }).where('id', '=', notificationId).execute()
  return estimated
}

const countOf = (db: Db, { users, except = [] }: Audience & { users: string[] }): Promise<number> =>
  count(db, sql`user_id = any(${users}::text[]) and user_id <> all(${except}::text[])`)

/** Excepted users are counted apart and taken off: a count that needs a row's id alone is read from the index. */
async function countUpTo(db: Db, last: number, audience: Audience): Promise<number> {
  const topic = 'topic' in audience ? audience.topic : undefined
  const followers = followersOf(db, topic)
  const excepted = sql`user_id = any(${audience.except ?? []}::text[]) and id <= ${last}::bigint ${followers}`
  let estimated = 0 - (await count(db, excepted))
  for (let from = 0; from < last; from += IDS_AT_ONCE) {
    const [after, to] = [from, Math.min(from + IDS_AT_ONCE, last)].map((id) =>
      topic === undefined ? sql`${id}::bigint` : sql.lit(id),
    )
    estimated += await count(db, sql`id > ${after} and id <= ${to} ${followers}`)
  }
  return estimated
}

async function count(db: Db, which: RawBuilder<unknown>): Promise<number> {
  const [found] = await db.rows<{ count: number }>(sql`
    select count(*) as count from ${db.t.push_tokens} where ${IN_AUDIENCE} and ${which}`)
  return found?.count ?? 0
}
