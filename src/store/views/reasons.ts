/** One notification's course, and why some of it did not get through. */
import { sql } from 'kysely'
import type { Db } from '../database/db.ts'

/** What was settled in a stretch of time that begins `at`. */
export interface Stretch {
  at: Date
  accepted: number
  handed_over: number
  refused: number
  unknown: number
}

/** As many stretches as a chart has room for. */
const STRETCHES = 60

export async function courseOf(db: Db, id: string): Promise<{ seconds: number; stretches: Stretch[] }> {
  const [span] = await db.rows<{ seconds: number }>(sql`
    select greatest(1, ceil(extract(epoch from max(settled_at) - min(settled_at)) / ${STRETCHES}))::float8 as seconds
    from ${db.t.deliveries} where notification_id = ${id} and state = 2 and not late`)
  const seconds = span?.seconds ?? 1
  const stretches = await db.rows<Stretch>(sql`
    select to_timestamp(floor(extract(epoch from settled_at) / ${seconds}::float8) * ${seconds}::float8) as at,
      sum(accepted)::bigint as accepted, sum(handed_over)::bigint as handed_over,
      sum(refused)::bigint as refused, sum(unknown)::bigint as unknown
    from ${db.t.deliveries} where notification_id = ${id} and state = 2 and not late and settled_at is not null
    group by 1 order by 1`)
  return { seconds, stretches }
}

export interface RefusalGroup {
  stage: 'ticket' | 'receipt' | 'request'
  code: string | null
  count: number
  message: string
  examples: { push_token: string; user_id: string }[]
}

/** Grouped by stage and code, the most frequent first, each with a few devices to look at. */
export async function refusalGroups(db: Db, id: string): Promise<RefusalGroup[]> {
  return db.rows<RefusalGroup>(sql`
    with groups as (
      select stage, code, count(*) as count, max(id) as last, (array_agg(push_token_id order by id desc))[1:3] as tokens
      from ${db.t.refusals} where notification_id = ${id} group by stage, code)
    select g.stage, g.code, g.count, r.message, coalesce((
      select json_agg(json_build_object('push_token', p.token, 'user_id', p.user_id))
      from ${db.t.push_tokens} p where p.id = any(g.tokens)), '[]') as examples
    from groups g join ${db.t.refusals} r on r.id = g.last
    order by g.count desc limit 20`)
}

/** Skipped for a reason that was known when it was planned. */
export async function skipReasons(db: Db, id: string): Promise<{ reason: string; count: number }[]> {
  return db.rows(sql`
    select skip_reason as reason, sum(recipients)::bigint as count from ${db.t.deliveries}
    where notification_id = ${id} and skip_reason is not null and not late group by 1 order by 2 desc`)
}
