/** Push tokens from another system's table, and out again. Those that are known here stay as they are, unless an import brought them. */
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

/** @returns how many are new here. */
export async function importTokens(db: Db, rows: ImportRow[], by: Actor = 'system'): Promise<number> {
  if (rows.length === 0) return 0
  const given = givenOnce(rows)
  return db.transaction(async (tx) => {
    await sql`
      insert into ${tx.t.users} (id) select distinct "userId" from json_to_recordset(${JSON.stringify(rows)}::json) as r ("userId" text)
      on conflict do nothing`.execute(tx.kysely)
    await replaceOlder(tx, given)
    const added = await tx.rows(sql`
      with added as (
        insert into ${tx.t.push_tokens}
          (user_id, token, device_type, active, inactive_reason, inactive_at, created_at, updated_at, source_at)
        select "userId", token, "deviceType", active, ${stateOf(tx)}, ${timesOf(tx)} from ${given}
        on conflict (token) do nothing returning id, user_id)
      insert into ${tx.t.token_events} (push_token_id, kind, user_id, detail)
      select id, 'registered', user_id, ${IMPORTED} from added returning id`)
    await audit(tx, {
      actor: by,
      action: 'push_tokens.import',
      subject: 'push_tokens',
      detail: { rows: rows.length, imported: added.length },
    })
    return added.length
  })
}

/** What the history of a push token says of one that came in this way. */
const IMPORTED = 'imported'

/** Of several rows with one token the one that was written last, the first of them where that is not said. */
function givenOnce(rows: ImportRow[]) {
  const json = JSON.stringify(rows.map((row, nth) => ({ ...row, nth })))
  return sql`(
    select distinct on (token) *, coalesce("updatedAt", "createdAt", 'epoch') as written
    from json_to_recordset(${json}::json) as r ("userId" text, token text, "deviceType" text, active boolean,
      "createdAt" timestamptz, "updatedAt" timestamptz, nth int)
    order by token, coalesce("updatedAt", "createdAt", 'epoch') desc, nth) given`
}

const stateOf = ({ now }: Db) =>
  sql`case when not given.active then 'logged_out' end, case when not given.active then ${now} end`

/** `updated_at` in the future would be later than every sending, and its token never retired. */
const timesOf = ({ now }: Db) =>
  sql`coalesce("createdAt", "updatedAt", ${now}), least(coalesce("updatedAt", "createdAt"), ${now}), written`

/**
 * The same rows leave the same, in one call or in many: one that came in this way before, and of which nothing was
 * heard here since, gives way to a later one.
 */
async function replaceOlder(tx: Db, given: ReturnType<typeof givenOnce>): Promise<void> {
  await sql`
    with older as (
      select p.id, p.user_id as was, given.* from ${given} join ${tx.t.push_tokens} p on p.token = given.token
      where p.source_at < given.written and ${IMPORTED} = (
        select e.detail from ${tx.t.token_events} e where e.push_token_id = p.id order by e.at desc, e.id desc limit 1)
      for update of p),
    replaced as (
      update ${tx.t.push_tokens} p set (user_id, device_type, active, inactive_reason, inactive_at, created_at, updated_at, source_at)
        = (given."userId", given."deviceType", given.active, ${stateOf(tx)}, ${timesOf(tx)})
      from older given where p.id = given.id returning p.id, p.user_id, given.was)
    insert into ${tx.t.token_events} (push_token_id, kind, user_id, from_user_id, detail)
    select id, 'moved', user_id, was, ${IMPORTED} from replaced where user_id <> was`.execute(tx.kysely)
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
