/** All work that is not done, for who takes it elsewhere. */
import { type RawBuilder, sql } from 'kysely'
import type { Db } from '../database/db.ts'
import { QUEUE_NAMES, type QueueData, type QueueName } from '../schema/jobs.ts'

export interface WaitingJobs {
  queue: QueueName
  data: QueueData[QueueName][]
  /** When each may be taken, in milliseconds since 1970. */
  dueAt: number[]
}

interface Row {
  id: string
  name: QueueName
  data: QueueData[QueueName]
  created: string
  due_at: number
}

const PAGE_JOBS = 500

/** What comes by the clock (`upkeep`, and by the queue's own schedule) comes elsewhere, too. */
const OURS = QUEUE_NAMES.filter((name) => name !== 'upkeep')
const isWaiting = sql`state < 'completed' and name = any(${OURS}::text[])`

/** In the order in which it was added, some at a time. */
export async function* waitingJobs(db: Db, table: RawBuilder<unknown>): AsyncGenerator<WaitingJobs> {
  for (let last: Row | undefined; ; ) {
    const beyond = last ? sql`(created_on, id) > (${last.created}::timestamptz, ${last.id}::uuid)` : sql`true`
    const rows = await db.rows<Row>(sql`
      select id, name, data, created_on::text as created, (extract(epoch from start_after) * 1000)::float8 as due_at
      from ${table} where ${isWaiting} and ${beyond}
      order by created_on, id limit ${PAGE_JOBS}::int`)
    if (rows.length === 0) return
    for (const [queue, jobs] of Map.groupBy(rows, ({ name }) => name))
      yield { queue, data: jobs.map(({ data }) => data), dueAt: jobs.map(({ due_at: at }) => at) }
    last = rows.at(-1)
  }
}

export async function countWaitingJobs(db: Db, table: RawBuilder<unknown>): Promise<number> {
  const [row] = await db.rows<{ jobs: number }>(sql`select count(*)::int as jobs from ${table} where ${isWaiting}`)
  return row?.jobs ?? 0
}
