/** Push tokens from another system's table, and out again. What is known here already is left as it is. */
import { sql } from 'kysely'
import type { Platform } from '../../domain/platform.ts'
import type { Db } from '../database/db.ts'
import { type Actor, audit } from '../operator/audit.ts'

export interface ImportRow {
  userId: string
  token: string
  deviceType: Platform | null
  active: boolean
  createdAt: string | null
  updatedAt: string | null
}

/** A time in the future would be later than every sending, and its token never retired. @returns how many are new here. */
export async function importTokens(db: Db, rows: ImportRow[], by: Actor = 'system'): Promise<number> {
  if (rows.length === 0) return 0
  const json = JSON.stringify(rows)
  return db.transaction(async (tx) => {
    await sql`
      insert into ${tx.t.users} (id) select distinct "userId" from json_to_recordset(${json}::json) as r ("userId" text)
      on conflict do nothing`.execute(tx.kysely)
    const added = await tx.rows(sql`
      with added as (
        insert into ${tx.t.push_tokens} (user_id, token, device_type, active, inactive_reason, inactive_at, created_at, updated_at)
        select distinct on (token) "userId", token, "deviceType", active,
          case when not active then 'logged_out' end, case when not active then ${tx.now} end,
          coalesce("createdAt", "updatedAt", ${tx.now}), least(coalesce("updatedAt", "createdAt"), ${tx.now})
        from json_to_recordset(${json}::json) as r ("userId" text, token text, "deviceType" text, active boolean,
          "createdAt" timestamptz, "updatedAt" timestamptz)
        order by token, "updatedAt" desc nulls last
        on conflict (token) do nothing returning id, user_id)
      insert into ${tx.t.token_events} (push_token_id, kind, user_id, detail)
      select id, 'registered', user_id, 'imported' from added returning id`)
    await audit(tx, {
      actor: by,
      action: 'push_tokens.import',
      subject: 'push_tokens',
      detail: { rows: rows.length, imported: added.length },
    })
    return added.length
  })
}

export interface ExportRow {
  id: number
  user_id: string
  token: string
  device_type: Platform | null
  active: boolean
  inactive_reason: string | null
  created_at: Date
  updated_at: Date
}

/** By id, so that a walk over all of them misses none that was there when it began. */
export async function listTokens(
  db: Db,
  page: { after: number; limit: number; userId?: string },
): Promise<ExportRow[]> {
  return db.kysely
    .selectFrom('push_tokens')
    .select(['id', 'user_id', 'token', 'device_type', 'active', 'inactive_reason', 'created_at', 'updated_at'])
    .where('id', '>', page.after)
    .$if(page.userId !== undefined, (query) => query.where('user_id', '=', page.userId as string))
    .orderBy('id')
    .limit(page.limit)
    .execute()
}
