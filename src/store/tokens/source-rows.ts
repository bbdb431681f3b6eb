/**
 * Rows of another database's `push_tokens`, of which we hear by webhooks: late, twice, in another order, or not at all.
 * A row that has ended stays so, and what is older than what is known undoes nothing.
 */
import { sql } from 'kysely'
import type { Db } from '../database/db.ts'
import { type Attempt, once } from '../notifications/idempotency.ts'

export type SourceEvent = 'INSERT' | 'UPDATE' | 'DELETE'

const CALLER = 'supabase'

/** One row of theirs, under a name that no other row ever has. */
const attempt = (name: string, event: SourceEvent): Attempt => {
  const key = `${name} ${event}`
  return { caller: CALLER, key, bodyHash: key }
}

/** Runs `work` for the row's first event of this kind; later ones get its answer. */
export async function onceForRow<Answer extends object>(
  db: Db,
  name: string,
  event: SourceEvent,
  work: (tx: Db) => Promise<Answer>,
): Promise<Answer> {
  return (await once(db, attempt(name, event), work)) as Answer
}

/** Events of one row are worked on one after the other, from here on. @returns whether the row has ended before. */
export async function holdRow(tx: Db, name: string): Promise<{ isGone: boolean }> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`${CALLER} ${name}`}, 0))`.execute(tx.kysely)
  const rows = await tx.rows(sql`
    select key from ${tx.t.idempotency} where caller = ${CALLER} and key = ${attempt(name, 'DELETE').key}`)
  return { isGone: rows.length > 0 }
}

/** A change of a row implies its insert: one that is told later changes nothing. Before `holdRow`, as the insert takes the two locks. */
export async function passInsert(tx: Db, name: string, answer: object): Promise<void> {
  const { caller, key, bodyHash } = attempt(name, 'INSERT')
  await tx.kysely
    .insertInto('idempotency')
    .values({ caller, key, body_hash: bodyHash, answer: JSON.stringify(answer) })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/**
 * Their log-out. A token that another user has by now, or that was registered again since the row was written, stays.
 * @returns how many devices were taken off.
 */
export async function takeOffSource(
  tx: Db,
  row: { userId: string; token: string; writtenAt: string | null },
): Promise<number> {
  const gone = await tx.rows(sql`
    with known as (
      select id, inactive_reason is distinct from 'logged_out' as is_there from ${tx.t.push_tokens}
      where token = ${row.token} and user_id = ${row.userId}
        and (${row.writtenAt}::timestamptz is null or coalesce(source_at, updated_at) <= ${row.writtenAt}::timestamptz)
      for update),
    gone as (
      update ${tx.t.push_tokens} p set active = false, inactive_reason = 'logged_out',
        inactive_at = case when known.is_there then ${tx.now} else p.inactive_at end,
        source_at = coalesce(${row.writtenAt}::timestamptz, p.source_at)
      from known where p.id = known.id returning p.id, p.user_id, known.is_there)
    insert into ${tx.t.token_events} (push_token_id, kind, user_id, detail)
    select id, 'logged_out', user_id, 'supabase' from gone where is_there returning id`)
  return gone.length
}
