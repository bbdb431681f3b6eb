/** What is pruned, and what must not be although it looks old. */
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import type { Db } from '../../src/store/database/db.ts'
import { once } from '../../src/store/notifications/idempotency.ts'
import { recordOpened } from '../../src/store/people/subscriptions.ts'
import { ensureUser } from '../../src/store/people/users.ts'
import { listPushTokens, registerPushToken } from '../../src/store/tokens/push-tokens.ts'
import { prune } from '../../src/store/upkeep.ts'
import { exactTotals } from '../../src/store/views/totals.ts'
import { until } from '../kit/guard.ts'
import { openDatabase, openRunning } from '../kit/inside.ts'

test.each(['PGlite', 'PostgreSQL 18'] as const)(
  'with a notification go who opened it, and its totals, on %s',
  async (kind) => {
    const world = await openRunning(kind)
    const { db } = world
    await world.device('ben')
    const id = await world.notify({ audience: { users: ['ben'] } })
    await world.drain()
    expect(await recordOpened(db, id, 'ben')).toBe(true)
    await exactTotals(db, { id, state: 'finished' })
    await sql`update ${db.t.notifications} set finished_at = ${db.now} - interval '31 days'`.execute(db.kysely)
    await prune(db)
    const left = sql`select notification_id from ${db.t.opens} union select notification_id from ${db.t.totals}`
    expect(await db.rows(left)).toEqual([])
  },
)

const OLD = 250

test.each(['PGlite', 'PostgreSQL 18', 'PostgreSQL 14'] as const)(
  'many notifications go together, with their deliveries, on %s',
  async (kind) => {
    const { db } = await openDatabase(kind)
    const add = (days: number, count: number) =>
      sql`with old as (
          insert into ${db.t.notifications} (id, kind, lane, audience, content, expires_at, state, finished_at)
          select gen_random_uuid(), 'message', 'direct', '{"users": ["ben"]}', '{}', ${db.now}, 'finished',
            ${db.now} - make_interval(days => ${days}) from generate_series(1, ${count}::int) returning id)
        insert into ${db.t.deliveries} (notification_id, chunk, part, recipients, token_ids)
        select id, 0, part, 1, '{1}' from old, generate_series(0, 1) part`.execute(db.kysely)
    await add(31, OLD)
    await add(29, 1)
    let statements = 0
    const pruned = await prune({ ...db, rows: (query) => ((statements += 1), db.rows(query)) })
    expect(pruned).toMatchObject({ ledger: 3 * OLD })
    expect(statements).toBeLessThan(30)
    const left = sql`select (select count(*) from ${db.t.notifications}) as notifications, count(*) as deliveries from ${db.t.deliveries}`
    expect(await db.rows(left)).toEqual([{ notifications: 1, deliveries: 2 }])
  },
)

/** With one connection nobody else is half way. */
describe.each(['PostgreSQL 18', 'PostgreSQL 14'] as const)('while somebody is half way, on %s', (kind) => {
  test('a push token that is being registered again stays', async () => {
    const { db } = await openDatabase(kind)
    await ensureUser(db, { id: 'ben', name: null })
    const device = { userId: 'ben', token: 'ExponentPushToken[ben]', deviceType: 'ios' as const, movesPerDay: null }
    await registerPushToken(db, device)
    await sql`update ${db.t.push_tokens} set active = false, inactive_reason = 'logged_out',
      inactive_at = ${db.now} - interval '31 days'`.execute(db.kysely)
    const { pruned } = await db.transaction(async (tx) => {
      await registerPushToken(tx, device)
      return pruneBeside(db)
    })
    expect(await pruned).toMatchObject({ push_tokens: 0 })
    expect(await listPushTokens(db, 'ben')).toMatchObject([{ active: true }])
  })

  test('an Idempotency-Key that is used anew stays', async () => {
    const { db } = await openDatabase(kind)
    const attempt = { caller: 'user ana', key: 'k', bodyHash: '' }
    await once(db, attempt, async () => ({ n: 1 }))
    await sql`update ${db.t.idempotency} set created_at = ${db.now} - interval '49 hours'`.execute(db.kysely)
    let pruned: Promise<object> | undefined
    await once(db, attempt, async () => {
      ;({ pruned } = await pruneBeside(db))
      return { n: 2 }
    })
    expect(await pruned).toMatchObject({ idempotency: 0 })
    expect(await once(db, attempt, async () => ({ n: 3 }))).toEqual({ n: 2 })
  })
})

/** @returns once it waits for what is not committed. */
async function pruneBeside(db: Db): Promise<{ pruned: Promise<object> }> {
  const pruned = prune(db)
  const waiting = sql`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
  await until('it to wait', async () => (await db.rows(waiting)).length > 0)
  return { pruned }
}
