/** The same request twice is one request: its first answer is kept with it, in the transaction that did the work. */
import { sql } from 'kysely'
import type { Db } from '../database/db.ts'

export interface Attempt {
  caller: string
  key: string
  /** Of everything that makes it the same request. */
  bodyHash: string
}

/** How long a key is remembered. */
export const REMEMBERED_HOURS = 48

/**
 * Runs `work` in a transaction unless the same caller's key has been used. Of many at the same moment one works, and
 * the others wait for its answer.
 * @returns the answer, now or then; 'other_body' when the key came with another request.
 */
export async function once<Answer extends object>(
  db: Db,
  attempt: Attempt,
  work: (tx: Db) => Promise<Answer>,
): Promise<Answer | 'other_body'> {
  return db.transaction(async (tx) => {
    if (!(await claimKey(tx, attempt))) return firstAnswer<Answer>(tx, attempt)
    const answer = await work(tx)
    await tx.kysely
      .updateTable('idempotency')
      .set({ answer: JSON.stringify(answer) })
      .where('caller', '=', attempt.caller)
      .where('key', '=', attempt.key)
      .execute()
    return answer
  })
}

/** Waits for another transaction that holds the same key. */
async function claimKey(tx: Db, { caller, key, bodyHash }: Attempt): Promise<boolean> {
  const rows = await tx.rows(sql`
    insert into ${tx.t.idempotency} as known (caller, key, body_hash) values (${caller}, ${key}, ${bodyHash})
    on conflict (caller, key) do update set body_hash = excluded.body_hash, answer = null, created_at = ${tx.now}
    where known.created_at < ${tx.now} - make_interval(hours => ${REMEMBERED_HOURS})
    returning key`)
  return rows.length > 0
}

async function firstAnswer<Answer>(tx: Db, { caller, key, bodyHash }: Attempt): Promise<Answer | 'other_body'> {
  const first = await tx.kysely
    .selectFrom('idempotency')
    .select(['body_hash', 'answer'])
    .where('caller', '=', caller)
    .where('key', '=', key)
    .executeTakeFirstOrThrow()
  return first.body_hash === bodyHash ? (first.answer as Answer) : 'other_body'
}
