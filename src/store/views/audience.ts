/** How many devices an audience has now, a stretch at a time: however large it is, no statement holds anybody up. */
import { type RawBuilder, sql } from 'kysely'
import type { Audience } from '../../domain/notification.ts'
import type { Platform } from '../../domain/platform.ts'
import type { Db } from '../database/db.ts'
import { IN_AUDIENCE } from '../ledger/plan.ts'
import { lastTokenId } from './vitals.ts'

export interface AudienceGroup {
  device_type: Platform | null
  /** Those aside that are told apart as suspended. */
  suspended: boolean
  devices: number
}

const IDS_AT_ONCE = 50_000
/** Each is looked up. */
const FOLLOWERS_AT_ONCE = 5_000

export async function countAudience(db: Db, audience: Audience): Promise<AudienceGroup[]> {
  const counted = new Map<string, AudienceGroup>()
  for await (const whose of partsOf(db, audience)) {
    const groups = await db.rows<AudienceGroup>(sql`
      select device_type, not active as suspended, count(*) as devices from ${db.t.push_tokens} p
      where ${IN_AUDIENCE} and ${whose} and p.user_id <> all(${audience.except ?? []}::text[])
      group by 1, 2 order by 1, 2`)
    for (const group of groups) {
      const name = `${group.device_type} ${group.suspended}`
      counted.set(name, { ...group, devices: group.devices + (counted.get(name)?.devices ?? 0) })
    }
  }
  return [...counted.values()]
}

function partsOf(db: Db, audience: Audience): AsyncIterable<RawBuilder<unknown>> | RawBuilder<unknown>[] {
  if ('users' in audience) return [sql`p.user_id = any(${audience.users}::text[])`]
  return 'topic' in audience ? followers(db, audience.topic) : everybody(db)
}

async function* everybody(db: Db): AsyncGenerator<RawBuilder<unknown>> {
  const last = await lastTokenId(db)
  for (let from = 0; from < last; from += IDS_AT_ONCE) yield sql`p.id > ${from} and p.id <= ${from + IDS_AT_ONCE}`
}

async function* followers(db: Db, topic: string): AsyncGenerator<RawBuilder<unknown>> {
  for (let after = ''; ; ) {
    const users = await db.rows<{ user_id: string }>(sql`
      select user_id from ${db.t.subscriptions} where topic = ${topic} and user_id > ${after}
      order by user_id limit ${FOLLOWERS_AT_ONCE}::int`)
    const last = users.at(-1)
    if (last === undefined) return
    yield sql`p.user_id = any(${users.map((one) => one.user_id)}::text[])`
    after = last.user_id
  }
}
