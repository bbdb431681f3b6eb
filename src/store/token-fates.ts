/** What Expo's words do to push tokens: retire the dead, suspend those whose app lost its credentials. All reversible. */
import { sql } from 'kysely'
import type { Db } from './db.ts'

/** A push token that an answer was about, and the delivery that it answered. */
export interface Judged {
  id: number
  deliveryId: number
}

/**
 * Only a token that has not been registered again since it was sent to: a later registration is better news.
 * @returns the tokens that were retired just now.
 */
export async function retireTokens(db: Db, judged: Judged[]): Promise<string[]> {
  return setInactive(db, judged, 'DeviceNotRegistered', 'retired')
}

/** @returns the tokens that were suspended just now. */
export async function suspendTokens(db: Db, judged: Judged[]): Promise<string[]> {
  return setInactive(db, judged, 'InvalidCredentials', 'suspended')
}

async function setInactive(db: Db, judged: Judged[], reason: string, event: string): Promise<string[]> {
  if (judged.length === 0) return []
  const rows = await db.rows<{ token: string }>(sql`
    with judged as (
      select j.id, d.sent_at
      from unnest(${judged.map((one) => one.id)}::bigint[], ${judged.map((one) => one.deliveryId)}::bigint[]) as j (id, delivery_id)
      join ${db.t.deliveries} d on d.id = j.delivery_id),
    changed as (
      update ${db.t.push_tokens} p set active = false, inactive_reason = ${reason}, inactive_at = ${db.now}
      from judged where p.id = judged.id and p.active and p.updated_at <= judged.sent_at
      returning p.id, p.token, p.user_id),
    recorded as (
      insert into ${db.t.token_events} (push_token_id, kind, user_id, detail)
      select id, ${event}, user_id, ${reason} from changed)
    select token from changed`)
  return rows.map((row) => row.token)
}

/** Expo told which project each of these belongs to. */
export async function learnProjects(db: Db, groups: { project: string; tokenIds: number[] }[]): Promise<void> {
  const ids = groups.flatMap((group) => group.tokenIds)
  const projects = groups.flatMap((group) => group.tokenIds.map(() => group.project))
  await sql`
    update ${db.t.push_tokens} p set project = learned.project
    from unnest(${ids}::bigint[], ${projects}::text[]) as learned (id, project)
    where p.id = learned.id`.execute(db.kysely)
}
