/** All that is kept about one person comes, also where much has been sent. */
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import type { Db } from '../../src/store/database/db.ts'
import { ensureUser } from '../../src/store/people/users.ts'
import { registerPushToken } from '../../src/store/tokens/push-tokens.ts'
import { exportUser } from '../../src/store/views/export.ts'
import { openDatabase } from '../kit/inside.ts'

const BROADCASTS = 12_000

/** The handle, with how many rows each statement gave, and the plans of those that look at the ledger. */
function watched(db: Db): { db: Db; most: () => number; plans: string[] } {
  const plans: string[] = []
  let most = 0
  const rows: Db['rows'] = async (query) => {
    const plan = (await db.rows<{ 'QUERY PLAN': string }>(sql`explain ${query}`)).map((line) => line['QUERY PLAN'])
    plans.push(plan.join('\n'))
    const found = await db.rows(query)
    most = Math.max(most, found.length)
    return found
  }
  return { db: { ...db, rows }, most: () => most, plans }
}

test.for(['PostgreSQL 18', 'PostgreSQL 14', 'PGlite'] as const)('on %s', async (kind) => {
  const { db } = await openDatabase(kind)
  await ensureUser(db, { id: 'ana', name: null })
  await registerPushToken(db, { userId: 'ana', token: 'ExponentPushToken[ana]', deviceType: 'ios', movesPerDay: null })
  await sql`
    with n as (
      insert into ${db.t.notifications} (id, kind, lane, audience, content, expires_at, state)
      select lpad(n::text, 32, '0')::uuid, 'notify', case n % 1000 when 0 then 'direct' else 'broadcast' end,
        case n % 1000 when 0 then '{"users": ["ana"]}'::jsonb else '{"everyone": true}' end, '{}', ${db.now}, 'finished'
      from generate_series(1, ${BROADCASTS}::int) n returning id, lane)
    insert into ${db.t.deliveries} (notification_id, chunk, part, recipients, token_ids, state, results, accepted, sent_at)
    select id, case lane when 'direct' then 0 else 1 end, 0, 1, '{1}', 2, '{1}', 1, ${db.now} from n`.execute(db.kysely)
  await sql`analyze`.execute(db.kysely)
  const { db: asked, most, plans } = watched(db)
  const all = (await exportUser(asked, 'ana', 'operator'))!
  const ids = all.deliveries.map((one) => one.notification_id)
  expect([ids.length, new Set(ids).size, ids]).toEqual([BROADCASTS, BROADCASTS, ids.toSorted()])
  expect(all.notifications).toHaveLength(BROADCASTS / 1000)
  expect(most()).toBeLessThanOrEqual(5_000)
  expect(plans.filter((plan) => plan.includes('Seq Scan on deliveries'))).toEqual([])
})
