/**
 * Who did what to whom, and when: written in the transaction of the deed, so that neither is there without the other.
 * What users do all day is not in it. No secret and no whole push token ever is.
 */
import { sql } from 'kysely'
import { maskPushTokensIn } from '../../domain/push-token.ts'
import { beginsWith, type Db } from '../database/db.ts'

/** Who did it: `operator`, `system`, or one of many by their id. */
export type Actor = 'operator' | 'system' | 'anybody' | 'supabase' | `user:${string}` | `key:${string}`

export type AuditAction =
  | 'push_token.move'
  | 'push_tokens.import'
  | 'push_tokens.export'
  | 'suspended.restore'
  | 'notification.send'
  | 'notification.test'
  | 'notification.pause'
  | 'notification.resume'
  | 'notification.cancel'
  | 'key.create'
  | 'key.rotate'
  | 'key.revoke'
  | 'alarm.confirm'
  | 'alarm.release'
  | 'database.move'
  | 'user.export'
  | 'user.erase'
  | 'console.sign_in'
  | 'console.sign_in_failed'

export interface AuditEntry {
  actor: Actor
  action: AuditAction
  /** What it was done to, as `user:<id>`, `notification:<id>`, `key:<id>`, `alarm:<id>`, `folder:<path>`; users are named here and in `actor` only. */
  subject: string
  /** Numbers and words that say more; neither texts of people, nor ids of users, nor secrets. */
  detail?: Record<string, string | number | boolean | null | string[]>
}

/** @param tx the transaction that does the deed. */
export async function audit(tx: Db, { actor, action, subject, detail = {} }: AuditEntry): Promise<void> {
  const told = JSON.stringify(detail, (_, value: unknown) =>
    typeof value === 'string' ? maskPushTokensIn(value) : value,
  )
  await sql`
    insert into ${tx.t.audit} (actor, action, subject, detail)
    values (${actor}, ${action}, ${subject}, ${told}::jsonb)`.execute(tx.kysely)
}

/** A deed that is done page by page is one entry; the next one comes when it goes on after an hour. */
export async function auditOnce(db: Db, entry: AuditEntry): Promise<void> {
  const { actor, action, subject } = entry
  await db.transaction(async (tx) => {
    const lately = await tx.rows(sql`
      select id from ${tx.t.audit} where actor = ${actor} and action = ${action} and subject = ${subject}
        and at > ${tx.now} - interval '1 hour' limit 1`)
    if (lately.length === 0) await audit(tx, entry)
  })
}

export interface AuditRow {
  id: number
  at: Date
  actor: string
  action: string
  subject: string
  detail: object
}

export interface AuditQuery {
  limit: number
  /** Only older ones than this. */
  before?: number
  /** The exact word, or its beginning with a `*` behind it. */
  actor?: string
  action?: string
  subject?: string
}

/** Newest first. */
export async function listAudit(db: Db, { limit, before, ...words }: AuditQuery): Promise<AuditRow[]> {
  const asked = [
    before === undefined ? sql`true` : sql`id < ${before}::bigint`,
    ...Object.entries(words).map(([column, word]) => (word === undefined ? sql`true` : matches(sql.ref(column), word))),
  ]
  return db.rows<AuditRow>(sql`
    select id, at, actor, action, subject, detail from ${db.t.audit}
    where ${sql.join(asked, sql` and `)} order by id desc limit ${limit}::int`)
}

function matches(column: ReturnType<typeof sql.ref>, word: string) {
  return word.endsWith('*') ? beginsWith(column, word.slice(0, -1)) : sql`${column} = ${word}`
}
