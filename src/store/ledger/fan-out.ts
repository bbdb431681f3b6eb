/** Cutting a broadcast's audience into chunks, a page at a time, by push token id; never by OFFSET. */

import { sql } from 'kysely'
import { failpoint } from '../../domain/failpoint.ts'
import type { Db } from '../database/db.ts'
import { ClaimLost } from '../queue/queue.ts'
import type { QueueData } from '../schema/jobs.ts'
import { followersOf, IN_AUDIENCE } from './plan.ts'

/** Ten full requests; the unit of work, and of what a pause or a cancel may still let through. */
export const CHUNK_TOKENS = 1_000
/** Towards the end of an audience chunks may be half as large, so that workers who share it end at the same time. */
const HALF_CHUNK = CHUNK_TOKENS / 2
const LAST_HALVES = 12
/** Chunks that one fan-out job cuts: enough work to hide the next job's making, little enough to stop at once. */
export const PAGE_CHUNKS = 32

/** Push token ids, both in it. */
interface Range {
  from: number
  to: number
}

/**
 * One transaction: the page's chunks become jobs and the cursor moves. The chunk in the middle carries the baton: who
 * settles it asks for the next page, so nobody polls, and nothing grows with the audience.
 * Throws ClaimLost when the notification has just been paused: whoever takes the job then parks it.
 * @returns false when this page was cut before, or the notification has ended.
 */
export async function cutPage(
  tx: Db,
  { notificationId, page, trace }: QueueData['fan-out'],
  { endInHalves }: { endInHalves: boolean },
): Promise<boolean> {
  const [at] = await tx.rows<{ cursor: number; max_token_id: number; topic: string | null; state: string }>(sql`
    select cursor, max_token_id, audience ->> 'topic' as topic, state from ${tx.t.notifications}
    where id = ${notificationId} and page = ${page} and not fan_out_done
    for update`)
  if (at?.state === 'paused') throw new ClaimLost('it has been paused meanwhile')
  if (at?.state !== 'queued' && at?.state !== 'sending') return false
  const [after, upTo] = [at.cursor, at.max_token_id].map((id) => (at.topic === null ? sql`${id}` : sql.lit(id)))
  const halves = await tx.rows<Range>(sql`
    with page as materialized (
      select array(
        select id from ${tx.t.push_tokens}
        where ${IN_AUDIENCE} and id > ${after} and id <= ${upTo} ${followersOf(tx, at.topic)}
        order by id limit ${CHUNK_TOKENS * PAGE_CHUNKS}::int) as ids)
    select ids[first] as "from", ids[least(first + ${HALF_CHUNK - 1}::int, cardinality(ids))] as "to"
    from page, generate_series(1, cardinality(ids), ${HALF_CHUNK}::int) as first order by first`)
  const last = halves.length < 2 * PAGE_CHUNKS
  const chunks = chunksOf(halves, last && endInHalves ? LAST_HALVES : 0)
  await sql`
    update ${tx.t.notifications} set
      state = case when ${last && chunks.length === 0} and chunks_done = chunks then 'finished' else 'sending' end,
      finished_at = case when ${last && chunks.length === 0} and chunks_done = chunks then ${tx.now} end,
      page = page + 1, cursor = ${chunks.at(-1)?.to ?? at.cursor},
      chunks = chunks + ${chunks.length}::int, fan_out_done = ${last}
    where id = ${notificationId}`.execute(tx.kysely)
  const middle = chunks.length >> 1
  const jobs = chunks.map<QueueData['send-broadcast']>(({ from, to }, index) => ({
    notificationId,
    ...(trace !== undefined && { trace }),
    from,
    to,
    baton: !last && index === middle ? page + 1 : null,
    tries: 0,
  }))
  if (jobs.length > 0) await tx.enqueue('send-broadcast', jobs)
  if (page === 0) await tx.enqueue('estimate', [{ notificationId }])
  await failpoint('mid_fan_out')
  return true
}

/** @param alone how many of the last halves stay chunks of their own; the others are joined two by two. */
function chunksOf(halves: Range[], alone: number): Range[] {
  const end = Math.max(0, halves.length - alone)
  const whole = halves.slice(0, end)
  const pairs = whole.flatMap(({ from, to }, index) =>
    index % 2 === 0 ? { from, to: whole[index + 1]?.to ?? to } : [],
  )
  return [...pairs, ...halves.slice(end)]
}
