/** What becomes of a job is written down by its handler, and by nobody once more. */
import { sql } from 'kysely'
import { TestClock } from 'pg-boss'
import { expect, test, vi } from 'vitest'
import type { Db } from '../../src/store/database/db.ts'
import { EmbeddedDatabase } from '../../src/store/database/embedded.ts'
import type { Job } from '../../src/store/schema/jobs.ts'
import { until } from '../kit/guard.ts'
import { openDatabase } from '../kit/inside.ts'

test('a job that is done is settled in one statement', async () => {
  const asked = vi.spyOn(EmbeddedDatabase.prototype, 'query')
  const { db, queue } = await openDatabase('PGlite')
  const taken: Job<'estimate'>[] = []
  await queue.work('estimate', { workers: 1, batchSize: () => 3 }, async (jobs) => {
    taken.push(...jobs)
    await db.transaction((tx) => queue.complete(tx, jobs))
  })
  await db.enqueue('estimate', [{ notificationId: 'a' }])
  await until('the job is done', async () => (await left(db)) === 0)
  await queue.stopWorking()
  const [{ id }] = taken as [Job<'estimate'>]
  expect(asked.mock.calls.filter(([, values]) => JSON.stringify(values ?? []).includes(id))).toHaveLength(1)
})

const left = async (db: Db) =>
  (await db.rows(sql`select 1 from belfry_queue.job where name = 'estimate' and state < 'completed'`)).length

test('what a handler leaves is given back, beside what it has done', async () => {
  const { db, queue } = await openDatabase('PGlite')
  const taken: string[] = []
  await queue.work('estimate', { workers: 1, batchSize: () => 3 }, async (jobs) => {
    const [first, ...others] = jobs.toSorted((a, b) => a.data.notificationId.localeCompare(b.data.notificationId))
    taken.push(...jobs.map((job) => job.data.notificationId))
    await db.transaction((tx) => queue.complete(tx, [first as Job<'estimate'>]))
    expect(others.length).toBeLessThan(3)
  })
  await db.enqueue('estimate', [{ notificationId: 'a' }, { notificationId: 'b' }, { notificationId: 'c' }])
  await until('all are done', async () => taken.length > 0 && (await left(db)) === 0)
  await queue.stopWorking()
  expect(taken.toSorted()).toEqual(['a', 'b', 'b', 'c', 'c', 'c'])
})

test('a job that loses the database is not told as a bug', async () => {
  const { db, queue, facts } = await openDatabase('PostgreSQL 18')
  const thrown: Record<string, Error> = {
    away: Object.assign(new Error('too many connections'), { code: '53300' }),
    bug: new Error('a bug'),
  }
  await queue.work('estimate', { workers: 1, batchSize: () => 1 }, async ([job]) => {
    throw thrown[job!.data.notificationId]!
  })
  await db.enqueue('estimate', [{ notificationId: 'away' }, { notificationId: 'bug' }])
  const told = (name: string) => facts.filter((one) => one.name === name)
  await until('both are told', () => told('database.error').length > 0 && told('job.failed').length > 0)
  await queue.stopWorking()
  expect(told('database.error')[0]).toMatchObject({ fact: { error: 'too many connections' } })
  for (const { fact } of told('job.failed')) {
    expect(fact).toMatchObject({ queue: 'estimate', error: expect.stringContaining('a bug') })
  }
})

test('a worker that could not say once that it lives has said so again before its job is given to another', async () => {
  const START = Date.parse('2026-01-01T09:00:00Z')
  const clock = new TestClock(START)
  const { db, queue, facts } = await openDatabase('PostgreSQL 18', { clock })
  const [begun, over] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  await queue.work('estimate', { workers: 1, batchSize: () => 1 }, async (jobs) => {
    begun.resolve()
    await over.promise
    await db.transaction((tx) => queue.complete(tx, jobs))
  })
  await db.enqueue('estimate', [{ notificationId: 'a' }])
  await clock.tick(1_100)
  await begun.promise
  facts.length = 0
  await sql`create function belfry.refuse() returns trigger language plpgsql as
    $$ begin raise exception 'away for a moment'; end $$`.execute(db.kysely)
  await sql`create trigger refuse before update on belfry_queue.job for each row
    when (old.name = 'estimate') execute function belfry.refuse()`.execute(db.kysely)
  while (!facts.some(({ name }) => name === 'queue.error')) await clock.tick(500)
  await sql`drop trigger refuse on belfry_queue.job`.execute(db.kysely)
  while (clock.now() < START + 9_500) await clock.tick(500)
  const [job] = await db.rows(
    sql`select heartbeat_on > started_on as said from belfry_queue.job where name = 'estimate'`,
  )
  expect(job).toEqual({ said: true })
  over.resolve()
  await queue.stopWorking()
})

test.each(['PostgreSQL 18', 'PostgreSQL 14'] as const)(
  'to find the next job, those that are finished are not read, although the planner knew of none (%s)',
  async (kind) => {
    const [finished, waiting] = [2_000, 20]
    const { db, queue } = await openDatabase(kind)
    await sql`insert into belfry_queue.job (name) values ('upkeep')`.execute(db.kysely)
    await sql`analyze belfry_queue.job`.execute(db.kysely)
    await sql`insert into belfry_queue.job (name, state, completed_on)
      select 'estimate', 'completed', now() from generate_series(1, ${finished}::int)`.execute(db.kysely)
    await queue.countForPlanner()
    await db.enqueue(
      'estimate',
      Array.from({ length: waiting }, (_, n) => ({ notificationId: `${n}` })),
    )
    const before = await touched(db)
    await queue.work('estimate', { workers: 1, batchSize: () => 1 }, (jobs) =>
      db.transaction((tx) => queue.complete(tx, jobs)),
    )
    // Counted once a transaction's own process has told: what it wrote is told together with what it read.
    const after = await until('all of it is counted', async () => {
      const now = await touched(db)
      return now.written - before.written >= 2 * waiting && now
    })
    await queue.stopWorking()
    expect(after.read - before.read).toBeLessThan((waiting * finished) / 4)
  },
)

async function touched(db: Db): Promise<{ read: number; written: number }> {
  const [row] = await db.rows<{ read: number; written: number }>(sql`
    select sum(idx_tup_fetch)::int as read, sum(n_tup_upd)::int as written from pg_stat_user_tables
    where schemaname = 'belfry_queue' and relname like 'job%'`)
  return row!
}
