/** The size of a broadcast's whole audience. Only progress and the ETA depend on it; the books never do. */
import { type RawBuilder, sql } from 'kysely'
import type { Audience } from '../../domain/notification.ts'
import type { Db } from '../database/db.ts'
import { followersOf, IN_AUDIENCE } from './plan.ts'

/** Ids looked at in one statement: on the embedded database, a longer one would keep everybody waiting. */
const IDS_AT_ONCE = 50_000

/** Who is excepted is counted apart: what asks nothing of a row but its id is read from the index alone. */
export async function estimateAudience(db: Db, notificationId: string): Promise<void> {
  const [n] = await db.rows<{ last: number; audience: Audience }>(sql`
    select max_token_id as last, audience from ${db.t.notifications} where id = ${notificationId} and lane = 'broadcast'`)
  if (!n) return
  const topic = 'topic' in n.audience ? n.audience.topic : undefined
  const count = async (which: RawBuilder<unknown>): Promise<number> => {
    const [found] = await db.rows<{ count: number }>(sql`
      select count(*) as count from ${db.t.push_tokens} where ${IN_AUDIENCE} ${followersOf(db, topic)} and ${which}`)
    return found?.count ?? 0
  }
  let estimated = 0 - (await count(sql`user_id = any(${n.audience.except ?? []}::text[]) and id <= ${n.last}::bigint`))
  for (let from = 0; from < n.last; from += IDS_AT_ONCE) {
    const [after, to] = [from, Math.min(from + IDS_AT_ONCE, n.last)].map((id) =>
      topic === undefined ? sql`${id}::bigint` : sql.lit(id),
    )
    estimated += await count(sql`id > ${after} and id <= ${to}`)
  }
  await db.kysely.updateTable('notifications').set({ estimated }).where('id', '=', notificationId).execute()
}
