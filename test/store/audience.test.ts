/** Counting an audience that is large: in short statements, and once for all who ask meanwhile. */
import { type RawBuilder, sql } from 'kysely'
import { expect, test } from 'vitest'
import { openAudienceCount } from '../../src/api/notify/dry-run.ts'
import type { Db } from '../../src/store/database/db.ts'
import { openDatabase } from '../kit/inside.ts'

const DEVICES = 60_000
const FOLLOWERS = 6_000

test.each(['PGlite', 'PostgreSQL 18'] as const)('on %s', async (kind) => {
  const { db } = await openDatabase(kind)
  await fill(db)
  const longest = { rows: 0 }
  const count = openAudienceCount({ ...db, rows: (query) => measured(db, query, longest) })
  const audiences = [
    { everyone: true, except: ['u7', 'u8'] },
    { topic: 'bells', except: ['u7'] },
    { users: ['u7', 'u8'] },
  ] as const
  const groups = await Promise.all(audiences.map((one) => count(structuredClone(one) as never)))
  expect(groups).toEqual([
    [
      { device_type: 'android', suspended: false, devices: DEVICES / 2 - 1 },
      { device_type: 'ios', suspended: false, devices: DEVICES / 2 - 2 },
      { device_type: 'ios', suspended: true, devices: 1 },
    ],
    [
      { device_type: 'android', suspended: false, devices: FOLLOWERS / 2 },
      { device_type: 'ios', suspended: false, devices: FOLLOWERS / 2 - 2 },
      { device_type: 'ios', suspended: true, devices: 1 },
    ],
    [
      { device_type: 'android', suspended: false, devices: 1 },
      { device_type: 'ios', suspended: false, devices: 1 },
    ],
  ])
  expect(longest.rows).toBeLessThanOrEqual(50_000)

  let asked = 0
  const shared = openAudienceCount({ ...db, rows: (query) => ((asked += 1), db.rows(query)) })
  const topic = { topic: 'bells' }
  const [first, second] = await Promise.all([shared(topic), shared({ ...topic })])
  expect(second).toBe(first)
  const alone = asked
  expect(await shared(topic)).not.toBe(first)
  expect(asked).toBe(2 * alone)
})

async function fill(db: Db): Promise<void> {
  await sql`insert into ${db.t.users} (id) select 'u' || n from generate_series(1, ${DEVICES}::int) n`.execute(
    db.kysely,
  )
  await sql`insert into ${db.t.push_tokens} (user_id, token, device_type, active, inactive_reason, inactive_at)
    select 'u' || n, 'ExponentPushToken[t' || n || ']', case when n % 2 = 1 then 'ios' else 'android' end,
      n <> 1, case when n = 1 then 'InvalidCredentials' end, case when n = 1 then ${db.now} end
    from generate_series(1, ${DEVICES}::int) n`.execute(db.kysely)
  await sql`insert into ${db.t.subscriptions} (topic, user_id)
    select 'bells', 'u' || n from generate_series(1, ${FOLLOWERS}::int) n`.execute(db.kysely)
  await sql`analyze`.execute(db.kysely)
}

/** Keeps how many devices the longest of the statements has counted. */
async function measured<T>(db: Db, query: RawBuilder<T>, longest: { rows: number }): Promise<T[]> {
  const rows = await db.rows(query)
  const counted = (rows as { devices?: number }[]).reduce((sum, row) => sum + (row.devices ?? 0), 0)
  longest.rows = Math.max(longest.rows, counted)
  return rows
}
