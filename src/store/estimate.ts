/** The size of a broadcast's whole audience. Only progress and the ETA depend on it; the books never do. */
import { sql } from 'kysely'
import type { Db } from './db.ts'
import { IN_AUDIENCE } from './plan.ts'

/** Ids looked at in one statement: on the embedded database, a longer one would keep everybody waiting. */
const IDS_AT_ONCE = 50_000

export async function estimateAudience(db: Db, notificationId: string): Promise<void> {
  const [n] = await db.rows<{ last: number; except: string[] | null }>(sql`
    select max_token_id as last,
      (select array_agg(value) from jsonb_array_elements_text(coalesce(audience -> 'except', '[]'))) as except
    from ${db.t.notifications} where id = ${notificationId} and lane = 'broadcast'`)
  if (!n) return
  let estimated = 0
  for (let from = 0; from < n.last; from += IDS_AT_ONCE) {
    const [page] = await db.rows<{ count: number }>(sql`
      select count(*) as count from ${db.t.push_tokens}
      where ${IN_AUDIENCE} and id > ${from} and id <= ${Math.min(from + IDS_AT_ONCE, n.last)}
        and user_id <> all(${n.except ?? []}::text[])`)
    estimated += page?.count ?? 0
  }
  await db.kysely.updateTable('notifications').set({ estimated }).where('id', '=', notificationId).execute()
}
