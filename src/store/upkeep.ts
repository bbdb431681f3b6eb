/** What is no longer needed goes, a batch at a time, so that no statement holds anybody up. */
import { type RawBuilder, sql } from 'kysely'
import type { Db } from './database/db.ts'
import { REMEMBERED_HOURS } from './notifications/idempotency.ts'

/** How long the ledger of a finished notification is kept. */
const LEDGER_DAYS = 30
/** How long a token that was taken out can still be told about. */
const INACTIVE_DAYS = 30
/** How long it can be told who did what. */
export const AUDIT_DAYS = 365
/** The flood guard looks at the last hour. */
const ANSWERS_HOURS = 2
const BATCH = 5_000
/** Notifications of which what they left is looked up together: few enough to find it by its index. */
const TOGETHER = 100

/** @returns how many rows went, by table. */
export async function prune(db: Db): Promise<Record<string, number>> {
  const { t, now } = db
  return {
    ledger: await pruneLedger(db),
    push_tokens: await remove(
      db,
      { table: t.push_tokens, key: sql`id` },
      sql`inactive_at < ${now} - make_interval(days => ${INACTIVE_DAYS}) and inactive_reason <> 'InvalidCredentials'`,
    ),
    token_events: await remove(
      db,
      { table: t.token_events, key: sql`id` },
      sql`at < ${now} - make_interval(days => ${LEDGER_DAYS})`,
    ),
    idempotency: await remove(
      db,
      { table: t.idempotency, key: sql`caller, key` },
      sql`created_at < ${now} - make_interval(hours => ${REMEMBERED_HOURS})`,
    ),
    audit: await remove(db, { table: t.audit, key: sql`id` }, sql`at < ${now} - make_interval(days => ${AUDIT_DAYS})`),
    answers: (
      await db.rows(sql`
      delete from ${t.answers} where minute < ${now} - make_interval(hours => ${ANSWERS_HOURS}) returning project`)
    ).length,
  }
}

/**
 * Some notifications together: most have one delivery, and one by one they went more slowly than a busy installation makes new ones.
 * Deliveries and the like first: a notification that is still there can still be pruned.
 */
async function pruneLedger(db: Db): Promise<number> {
  const { t } = db
  let pruned = 0
  for (;;) {
    const old = await db.rows<{ id: string }>(sql`
      select id from ${t.notifications}
      where finished_at < ${db.now} - make_interval(days => ${LEDGER_DAYS}) order by finished_at limit ${TOGETHER}::int`)
    if (old.length === 0) return pruned
    const ids = sql`any(${old.map((one) => one.id)}::uuid[])`
    for (const table of [t.deliveries, t.refusals]) {
      pruned += await remove(db, { table, key: sql`id` }, sql`notification_id = ${ids}`)
    }
    await remove(db, { table: t.opens, key: sql`notification_id, user_id` }, sql`notification_id = ${ids}`)
    await db.rows(sql`delete from ${t.totals} where notification_id = ${ids}`)
    pruned += (await db.rows(sql`delete from ${t.notifications} where id = ${ids} returning id`)).length
  }
}

/**
 * The condition is asked again once a row is locked: a push token that was registered again meanwhile has to stay.
 * @returns how many rows went.
 */
async function remove(
  db: Db,
  { table, key }: { table: RawBuilder<unknown>; key: RawBuilder<unknown> },
  isOld: RawBuilder<unknown>,
): Promise<number> {
  for (let removed = 0; ; ) {
    const { length } = await db.rows(sql`
      delete from ${table} where (${key}) in (select ${key} from ${table} where ${isOld} limit ${BATCH}::int) and ${isOld}
      returning true`)
    removed += length
    if (length < BATCH) return removed
  }
}
