/** What becomes of a job is written down by its handler, and by nobody once more. */
import { sql } from 'kysely'
import { expect, test, vi } from 'vitest'
import type { Db } from '../../src/store/db.ts'
import { EmbeddedDatabase } from '../../src/store/embedded.ts'
import type { Job } from '../../src/store/queue.ts'
import { openDatabase } from '../kit/inside.ts'
import { until } from '../kit/guard.ts'

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
