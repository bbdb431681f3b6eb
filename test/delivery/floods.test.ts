/** A flood that has cost more push tokens than one statement can bring back, and what happens while they come back or go. */
import { type RawBuilder, sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import type { Db } from '../../src/store/database/db.ts'
import { listAudit } from '../../src/store/operator/audit.ts'
import { confirmFlood, countAnswers, releaseFlood, tripFlood, undoFlood } from '../../src/store/tokens/flood.ts'
import { crowd } from '../kit/books.ts'
import { until } from '../kit/guard.ts'
import { openDatabase, openRunning } from '../kit/inside.ts'

/** Two batches and one more. */
const MANY = 10_001

const retire = (db: Db, which: RawBuilder<unknown>) =>
  sql`update ${db.t.push_tokens} set active = false, inactive_reason = 'DeviceNotRegistered', inactive_at = ${db.now}
    where ${which}`.execute(db.kysely)

/** All of them were retired just now, and this answer is one too many. @returns the alarm. */
async function trip({ db }: { db: Db }): Promise<number> {
  await retire(db, sql`true`)
  await db.transaction(async (tx) => {
    await countAnswers(tx, '', [{ minutesAgo: 0, answered: MANY }], MANY)
    expect(await tripFlood(tx, '', 1)).toBe(MANY)
  })
  const { id } = await db.kysely.selectFrom('alarms').select('id').executeTakeFirstOrThrow()
  return id
}

async function count(db: Db): Promise<{ active: number; held: number; writers: number }> {
  const [row] = await db.rows<{ active: number; held: number; writers: number }>(sql`
    select (select count(*) from ${db.t.push_tokens} where active) as active, (select count(*) from ${db.t.held_tokens}) as held,
      (select count(distinct xmin::text) from ${db.t.push_tokens} where active) as writers`)
  return row!
}

/** `then` happens after the first transaction or statement that `is` picks. */
function interrupted(db: Db, of: 'transaction' | 'rows', then: () => Promise<unknown>): Db {
  let isFirst = true
  const after = async <T>(what: Promise<T>): Promise<T> => {
    const done = await what
    if (!isFirst) return done
    isFirst = false
    await then()
    return done
  }
  return of === 'rows'
    ? { ...db, rows: (query) => after(db.rows(query)) }
    : { ...db, transaction: (work) => after(db.transaction(work)) }
}

describe.each(['PGlite', 'PostgreSQL 18'] as const)('on %s', (kind) => {
  test('the answer that trips it only says so; a job brings them back, some at a time', async () => {
    const database = await openDatabase(kind)
    await crowd(database, MANY)
    await trip(database)
    expect(await count(database.db)).toMatchObject({ active: 0 })
    const { db } = await openRunning(kind, {}, { database })
    await until('all of them', async () => (await count(db)).active === MANY)
    const { held, writers } = await count(db)
    expect(held).toBe(MANY)
    expect(writers).toBeGreaterThan(2)
  })

  test('a job that died between two batches goes on where it stood', async () => {
    const database = await openDatabase(kind)
    await crowd(database, MANY)
    const id = await trip(database)
    const died = interrupted(database.db, 'transaction', () => Promise.reject(new Error('died')))
    await expect(undoFlood(died, id)).rejects.toThrow('died')
    expect(await count(database.db)).toMatchObject({ active: 5_000, held: 5_000 })
    const { db } = await openRunning(kind, {}, { database })
    await until('all of them', async () => (await count(db)).active === MANY)
    expect(await count(db)).toMatchObject({ held: MANY })
  })

  test.each([
    ['confirms', MANY, 0],
    ['releases', true, MANY],
  ] as const)('a person who %s it half way speaks of all of them', async (verb, answer, active) => {
    const database = await openDatabase(kind)
    const { db } = database
    await crowd(database, MANY)
    const id = await trip(database)
    const died = interrupted(db, 'transaction', () => Promise.reject(new Error('died')))
    await expect(undoFlood(died, id)).rejects.toThrow('died')
    expect(await (verb === 'confirms' ? confirmFlood : releaseFlood)(db, id, 'operator')).toBe(answer)
    expect(await count(db)).toMatchObject({ active })
    expect(await undoFlood(db, id)).toBe(0)
    expect(await count(db)).toMatchObject({ active })
  })

  test('what was retired by a transaction that had not heard of the alarm yet comes back as well', async () => {
    const database = await openDatabase(kind)
    await crowd(database, 3)
    await trip(database)
    const { db } = await openRunning(kind, {}, { database })
    await until('all of them', async () => (await count(db)).active === 3)
    await crowd(database, 1, 'one-more')
    await db.transaction(async (tx) => {
      await retire(tx, sql`user_id = 'one-more-1'`)
      expect(await tripFlood(tx, '', 1)).toBeUndefined()
    })
    await until('that one, too', async () => (await count(db)).active === 4)
  })

  test('those that are held while it is confirmed are retired with the others', async () => {
    const { db, ...database } = await openDatabase(kind)
    await crowd({ db, ...database }, 5_002)
    await sql`insert into ${db.t.alarms} (kind) values ('flood')`.execute(db.kysely)
    const hold = (ids: ReturnType<typeof sql>) =>
      sql`insert into ${db.t.held_tokens} (alarm_id, push_token_id)
        select a.id, p.id from ${db.t.alarms} a cross join ${db.t.push_tokens} p where p.${ids}`.execute(db.kysely)
    await hold(sql`id > 1`)
    const { id } = await db.kysely.selectFrom('alarms').select('id').executeTakeFirstOrThrow()
    expect(
      await confirmFlood(
        interrupted(db, 'rows', () => hold(sql`id = 1`)),
        id,
        'operator',
      ),
    ).toBe(5_002)
    expect(await count(db)).toMatchObject({ active: 0 })
  })

  test('what was confirmed before somebody released it is told', async () => {
    const { db, ...database } = await openDatabase(kind)
    await crowd({ db, ...database }, 5_001)
    await sql`insert into ${db.t.alarms} (kind) values ('flood')`.execute(db.kysely)
    await sql`insert into ${db.t.held_tokens} (alarm_id, push_token_id)
      select a.id, p.id from ${db.t.alarms} a cross join ${db.t.push_tokens} p`.execute(db.kysely)
    const { id } = await db.kysely.selectFrom('alarms').select('id').executeTakeFirstOrThrow()
    const released = interrupted(db, 'rows', () => releaseFlood(db, id, 'operator'))
    const confirmed = await confirmFlood(released, id, 'operator')
    expect(await count(db)).toMatchObject({ active: 1 })
    expect(await listAudit(db, { limit: 10 })).toMatchObject([
      { action: 'alarm.confirm', detail: { devices: 5_000 } },
      { action: 'alarm.release' },
    ])
    expect(confirmed).toBe(5_000)
  })
})
