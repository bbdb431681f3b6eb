/** What people look at is found by an index: no list and no detail reads the deliveries or the push tokens through. */

import { randomUUIDv7 } from 'node:crypto'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import type { Db } from '../../src/store/database/db.ts'
import { totalsOf } from '../../src/store/ledger/ledger.ts'
import { findMended, raiseCredentialsAlarms } from '../../src/store/tokens/alarms.ts'
import { listTokens } from '../../src/store/tokens/import.ts'
import { explainFacts } from '../../src/store/views/explain.ts'
import { findNotification, listNotifications, recentRate } from '../../src/store/views/notifications.ts'
import { inFlight, lastErrors, sentLately, underWay } from '../../src/store/views/now.ts'
import { deviceHistory, devicesOfUser, recentFor, searchPeople } from '../../src/store/views/people.ts'
import { courseOf, refusalGroups, skipReasons } from '../../src/store/views/reasons.ts'
import { totalsOfMany } from '../../src/store/views/totals.ts'
import { openDatabase } from '../kit/inside.ts'

const NOTIFICATIONS = 60
const DELIVERIES_EACH = 160

/** The handle, with the plan of every statement that it runs written down. */
function planning(db: Db, plans: string[]): Db {
  return {
    ...db,
    rows: async (query) => {
      const lines = await db.rows<{ 'QUERY PLAN': string }>(sql`explain ${query}`)
      plans.push(lines.map((line) => line['QUERY PLAN']).join('\n'))
      return db.rows(query)
    },
  }
}

async function fill(db: Db): Promise<string[]> {
  await sql`insert into ${db.t.users} (id, name) select 'u' || n, 'Name ' || n from generate_series(1, 16000) n`.execute(
    db.kysely,
  )
  await sql`insert into ${db.t.push_tokens} (user_id, token, device_type)
    select 'u' || n, 'ExponentPushToken[t' || n || ']', 'ios' from generate_series(1, 16000) n`.execute(db.kysely)
  const ids = Array.from({ length: NOTIFICATIONS }, () => randomUUIDv7())
  await sql`insert into ${db.t.notifications} (id, kind, lane, audience, content, expires_at, state)
    select id, 'notify', 'broadcast', '{"everyone": true}', '{"title": "A"}', ${db.now}, 'finished'
    from unnest(${ids}::uuid[]) id`.execute(db.kysely)
  await sql`insert into ${db.t.deliveries} (notification_id, chunk, part, state, attempt, recipients, token_ids, results, accepted,
      handed_over, sent_at, settled_at)
    select id, 1 + d * 100, 0, 2, 1, 2, array[1 + d * 100, 2 + d * 100], '{2,2}', 2, 2, ${db.now}, ${db.now}
    from unnest(${ids}::uuid[]) id, generate_series(0, ${DELIVERIES_EACH - 1}) d`.execute(db.kysely)
  await sql`insert into ${db.t.refusals} (notification_id, delivery_id, push_token_id, stage, code, message)
    select notification_id, id, token_ids[1], 'ticket', 'DeviceNotRegistered', 'gone' from ${db.t.deliveries}`.execute(
    db.kysely,
  )
  await sql`analyze`.execute(db.kysely)
  return ids
}

// PGlite comes last: while it works it holds this thread, and connections to others die of that.
test.for(['PostgreSQL 18', 'PostgreSQL 14', 'PGlite'] as const)('on %s', async (kind) => {
  const { db: real } = await openDatabase(kind)
  const ids = await fill(real)
  const id = ids[30]!
  const plans: string[] = []
  const db = planning(real, plans)
  const user = 'u2501'
  const page = await listNotifications(db, { limit: 50 })
  expect(page).toHaveLength(50)
  await listNotifications(db, { limit: 50, lane: 'broadcast', before: id })
  await totalsOfMany(db, page.slice(0, 5))
  expect(await findNotification(db, id)).toMatchObject({ id })
  expect(await totalsOf(db, id)).toMatchObject({ targeted: 2 * DELIVERIES_EACH, handed_over: 2 * DELIVERIES_EACH })
  await recentRate(db, id)
  expect((await courseOf(db, id)).stretches.length).toBeGreaterThan(0)
  expect(await refusalGroups(db, id)).toMatchObject([{ code: 'DeviceNotRegistered', count: DELIVERIES_EACH }])
  await skipReasons(db, id)
  const [device] = await devicesOfUser(db, user)
  expect((await explainFacts(db, user, id))?.devices).toMatchObject([
    { deliveries: [{ result: 'handed_over' }], refusals: [{}] },
  ])
  await deviceHistory(db, user, [device!.id])
  expect(await recentFor(db, user)).toHaveLength(15)
  expect((await searchPeople(db, 'u2500')).people.map((one) => one.user_id)).toContain('u2500')
  expect((await searchPeople(db, 't2501')).people.map((one) => one.user_id)).toContain('u2501')
  await listTokens(db, { after: 12_000, limit: 50 })
  await sentLately(db, 90, 500)
  await inFlight(db)
  await underWay(db)
  await lastErrors(db)
  expect(plans.length).toBeGreaterThan(20)
  const through = plans.filter((plan) => /Seq Scan on (deliveries|push_tokens)/.test(plan))
  // A walk along an index without a condition reads as much; only listTokens begins in the middle and ends early.
  const along = plans.filter((plan) => /Index (Only )?Scan[^\n]* on push_tokens[^\n]*\n(?!\s*Index Cond)/.test(plan))
  expect([...through, ...along]).toEqual([])
})

const MANY = 20_000

test.for(['PostgreSQL 18', 'PostgreSQL 14', 'PGlite'] as const)(
  'of many notifications those that name somebody, and those that were stopped, are found by an index, on %s',
  async (kind) => {
    const { db: real } = await openDatabase(kind)
    await sql`insert into ${real.t.notifications} (id, kind, lane, audience, content, expires_at, state)
      select gen_random_uuid(), 'notify', 'direct', jsonb_build_object('users', array['u' || n]), '{"title": "A"}', ${real.now},
        case n when 1 then 'cancelled' when 2 then 'expired' when 3 then 'paused' else 'finished' end
      from generate_series(1, ${MANY}::int) n`.execute(real.kysely)
    await sql`analyze`.execute(real.kysely)
    const plans: string[] = []
    const db = planning(real, plans)
    expect(await recentFor(db, 'u7000')).toMatchObject([{ lane: 'direct' }])
    for (const state of ['cancelled', 'expired', 'paused'] as const) {
      expect(await listNotifications(db, { limit: 50, state })).toMatchObject([{ state }])
      expect(await listNotifications(db, { limit: 50, state, lane: 'direct' })).toMatchObject([{ state }])
    }
    expect(plans).toHaveLength(7)
    expect(plans.filter((plan) => /Seq Scan on notifications|using notifications_pkey/.test(plan))).toEqual([])
  },
)

test.each(['PostgreSQL 18', 'PostgreSQL 14', 'PGlite'] as const)(
  'good receipts look no push token up while no credentials are refused, on %s',
  async (kind) => {
    const { db } = await openDatabase(kind)
    await fill(db)
    await sql`update ${db.t.push_tokens} set active = false, inactive_reason = 'InvalidCredentials', project = '@club/app',
      inactive_at = ${db.now} - interval '1 hour' where id = 1`.execute(db.kysely)
    const plans: string[] = []
    const looking: Db = {
      ...db,
      rows: async (query) => {
        const lines = await db.rows<{ 'QUERY PLAN': string }>(sql`explain (analyze, costs off) ${query}`)
        plans.push(lines.map((line) => line['QUERY PLAN']).join('\n'))
        return db.rows(query)
      },
    }
    const handedOver = Array.from({ length: 100 }, (_, index) => ({ tokenId: 1 + index, deliveryId: 1 }))
    const lookedUp = /on push_tokens p \(actual/
    expect(await findMended(looking, handedOver)).toEqual([])
    expect(plans.at(-1)).not.toMatch(lookedUp)
    const mended = { project: '@club/app', deviceType: 'ios' }
    await raiseCredentialsAlarms(db, [mended])
    expect(await findMended(looking, handedOver)).toEqual([mended])
    expect(plans.at(-1)).toMatch(lookedUp)
  },
)
