/** What Expo's words do to push tokens: retire the dead, suspend those whose app lost its credentials. All reversible. */
import { sql } from 'kysely'
import type { Db } from '../database/db.ts'
import { raiseCredentialsAlarms } from './alarms.ts'
import { holdInFlood, openFlood } from './flood.ts'
import { asSent, isStillIt, type Judged } from './judged.ts'

interface Changed {
  id: number
  token: string
  project: string | null
  device_type: string | null
}

/**
 * While a flood is held for their project, none is retired; they join the held ones.
 * @returns the tokens that were retired just now.
 */
export async function retireTokens(tx: Db, project: string, judged: Judged[]): Promise<string[]> {
  if (judged.length === 0) return []
  const flood = await openFlood(tx, project)
  if (flood !== undefined) {
    await holdInFlood(tx, flood, judged)
    return []
  }
  return (await setInactive(tx, judged, 'DeviceNotRegistered', 'retired')).map((one) => one.token)
}

/** One alarm for each project and platform. @returns how many were suspended just now. */
export async function suspendTokens(tx: Db, judged: Judged[]): Promise<number> {
  const changed = await setInactive(tx, judged, 'InvalidCredentials', 'suspended')
  await raiseCredentialsAlarms(
    tx,
    changed.map((one) => ({ project: one.project ?? '', deviceType: one.device_type ?? '' })),
  )
  return changed.length
}

async function setInactive(tx: Db, judged: Judged[], reason: string, event: string): Promise<Changed[]> {
  if (judged.length === 0) return []
  return tx.rows<Changed>(sql`
    with changed as (
      update ${tx.t.push_tokens} p set active = false, inactive_reason = ${reason}, inactive_at = ${tx.now}
      from ${asSent(tx, judged)} where ${isStillIt(tx)}
      returning p.id, p.token, p.user_id, p.project, p.device_type),
    recorded as (
      insert into ${tx.t.token_events} (push_token_id, kind, user_id, detail)
      select id, ${event}, user_id, ${reason} from changed)
    select id, token, project, device_type from changed`)
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
