/** What is no longer needed goes, a batch at a time, so that no statement holds anybody up. */
import { sql } from 'kysely'
import type { Db } from './db.ts'
import { REMEMBERED_HOURS } from './idempotency.ts'

/** How long the ledger of a finished notification is kept. */
export const LEDGER_DAYS = 30
/** How long a token that was taken out can still be told about. */
export const INACTIVE_DAYS = 30
/** How long it can be told who did what. */
export const AUDIT_DAYS = 365
/** The flood guard looks at the last hour. */
const ANSWERS_HOURS = 2
const BATCH = 5_000

/** @returns how many rows went, by table. */
export async function prune(db: Db): Promise<Record<string, number>> {
  return {
    ledger: await pruneLedger(db),
    push_tokens: await inBatches(() =>
      db.rows(sql`
        delete from ${db.t.push_tokens} where id in (
          select id from ${db.t.push_tokens}
          where inactive_at < ${db.now} - make_interval(days => ${INACTIVE_DAYS}) and inactive_reason <> 'InvalidCredentials'
          limit ${BATCH}::int) returning id`),
    ),
    token_events: await inBatches(() =>
      db.rows(sql`
        delete from ${db.t.token_events} where id in (
          select id from ${db.t.token_events} where at < ${db.now} - make_interval(days => ${LEDGER_DAYS})
          order by id limit ${BATCH}::int) returning id`),
    ),
    idempotency: await inBatches(() =>
      db.rows(sql`
        delete from ${db.t.idempotency} where (caller, key) in (
          select caller, key from ${db.t.idempotency}
          where created_at < ${db.now} - make_interval(hours => ${REMEMBERED_HOURS}) limit ${BATCH}::int) returning key`),
    ),
    audit: await inBatches(() =>
      db.rows(sql`
        delete from ${db.t.audit} where id in (
          select id from ${db.t.audit} where at < ${db.now} - make_interval(days => ${AUDIT_DAYS})
          limit ${BATCH}::int) returning id`),
    ),
    answers: (
      await db.rows(sql`
      delete from ${db.t.answers} where minute < ${db.now} - make_interval(hours => ${ANSWERS_HOURS}) returning project`)
    ).length,
  }
}

/** Deliveries and refusals first: a notification that is still there can still be pruned. */
async function pruneLedger(db: Db): Promise<number> {
  let pruned = 0
  for (;;) {
    const [old] = await db.rows<{ id: string }>(sql`
      select id from ${db.t.notifications}
      where finished_at < ${db.now} - make_interval(days => ${LEDGER_DAYS}) order by finished_at limit 1`)
    if (!old) return pruned
    for (const table of [db.t.deliveries, db.t.refusals]) {
      pruned += await inBatches(() =>
        db.rows(sql`
          delete from ${table} where id in (
            select id from ${table} where notification_id = ${old.id} limit ${BATCH}::int) returning id`),
      )
    }
    await db.kysely.deleteFrom('notifications').where('id', '=', old.id).execute()
    pruned += 1
  }
}

async function inBatches(removeSome: () => Promise<unknown[]>): Promise<number> {
  let removed = 0
  for (;;) {
    const { length } = await removeSome()
    removed += length
    if (length < BATCH) return removed
  }
}
