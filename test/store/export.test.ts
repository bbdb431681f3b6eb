/** All that is kept about one person comes, also where much has been sent. */
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import type { Db } from '../../src/store/database/db.ts'
import { ensureUser } from '../../src/store/people/users.ts'
import { registerPushToken } from '../../src/store/tokens/push-tokens.ts'
import { exportUser, type Part } from '../../src/store/views/export.ts'
import { openDatabase } from '../kit/inside.ts'

const BROADCASTS = 12_000
const DEVICES = 3
/** Of everybody; every fifth is hers. */
const POSTS = 30_000

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
  for (let n = 1; n <= DEVICES; n++)
    await registerPushToken(db, {
      userId: 'ana',
      token: `ExponentPushToken[${n}]`,
      deviceType: 'ios',
      movesPerDay: null,
    })
  await ensureUser(db, { id: 'ben', name: null })
  await sql`
    insert into ${db.t.posts} (id, user_id, title, text_content, content_type)
    select lpad(n::text, 32, '0')::uuid, case n % 5 when 0 then 'ana' else 'ben' end, n, '', 'note'
    from generate_series(1, ${POSTS}::int) n`.execute(db.kysely)
  await sql`
    insert into ${db.t.messages} (id, sender_id, receiver_id, message_type, content)
    select id, user_id, user_id, 'text', '' from ${db.t.posts}`.execute(db.kysely)
  await sql`
    with n as (
      insert into ${db.t.notifications} (id, kind, lane, audience, content, expires_at, state)
      select lpad(n::text, 32, '0')::uuid, 'notify', case n % 1000 when 0 then 'direct' else 'broadcast' end,
        case n % 1000 when 0 then '{"users": ["ana"]}'::jsonb else '{"everyone": true}' end, '{}', ${db.now}, 'finished'
      from generate_series(1, ${BROADCASTS}::int) n returning id, lane)
    insert into ${db.t.deliveries} (notification_id, chunk, part, recipients, token_ids, state, results, accepted, sent_at)
    select id, case lane when 'direct' then 0 else 1 end, 0, ${DEVICES}::int, '{1,2,3}', 2, '{1,1,1}', ${DEVICES}::int, ${db.now} from n`.execute(
    db.kysely,
  )
  await sql`analyze`.execute(db.kysely)
  const { db: asked, most, plans } = watched(db)
  const parts: Part[] = []
  for await (const part of (await exportUser(asked, 'ana', 'operator'))!.parts) parts.push(part)
  const deliveries = parts.flatMap((part) => (part.name === 'deliveries' ? part.rows : []))
  const ids = deliveries.map((one) => one.notification_id)
  expect([ids.length, new Set(ids).size, ids]).toEqual([DEVICES * BROADCASTS, BROADCASTS, ids.toSorted()])
  const posts = parts.flatMap((part) => (part.name === 'posts' ? part.rows : []))
  expect(posts.map((one) => Number(one.title))).toEqual(Array.from({ length: POSTS / 5 }, (_, n) => (n + 1) * 5))
  const notifications = parts.flatMap((part) => (part.name === 'notifications' ? part.rows : []))
  expect(notifications).toHaveLength(BROADCASTS / 1000)
  expect(most()).toBeLessThanOrEqual(5_000 + DEVICES)
  expect(plans.filter((plan) => plan.includes('Seq Scan on deliveries'))).toEqual([])

  await ensureUser(db, { id: 'carl', name: null })
  plans.length = 0
  for await (const _ of (await exportUser(asked, 'carl', 'operator'))!.parts);
  const said = plans.filter((plan) => / on (posts|messages)/.test(plan))
  expect([said.length, said.filter((plan) => /Seq Scan|_pkey/.test(plan))]).toEqual([4, []])
})
