/**
 * The work queue: what is left to do. The only import of pg-boss. A job is added inside the caller's transaction and
 * completed inside the transaction that writes what came of it, so the queue and the ledger never disagree.
 */

import { randomUUID } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import {
  type Job as BossJob,
  fromKysely,
  fromPglite,
  type Db as Handle,
  PgBoss,
  type Clock as QueueClock,
} from 'pg-boss'
import { failpoint } from '../../domain/failpoint.ts'
import type { Emit } from '../../ports.ts'
import { isDatabaseAway } from '../database/away.ts'
import { QueueClient } from '../database/called-back.ts'
import { assertOutsideTransaction, type Db } from '../database/db.ts'
import type { EmbeddedDatabase } from '../database/embedded.ts'
import { ONE_TO_PLAN } from '../database/prepared.ts'
import { type Enqueue, type Job, QUEUE_NAMES, type QueueData, type QueueName } from '../schema/jobs.ts'
import type { Tables } from '../schema/tables.ts'
import { type Crew, openCrew } from './queue-crew.ts'
import { countWaitingJobs, type WaitingJobs, waitingJobs } from './waiting.ts'

export type { Clock as QueueClock } from 'pg-boss'

/** The job was taken over: what this holder wants to write about it is not written. */
export class ClaimLost extends Error {}

export interface Queue {
  /** @param handler settles each job itself (complete, postpone, giveBack); what it leaves unsettled is given back. */
  work<Q extends QueueName>(
    queue: Q,
    options: { workers: number; batchSize: () => number },
    handler: (jobs: Job<Q>[]) => Promise<void>,
  ): Promise<void>
  /** Inside the transaction that writes what came of the jobs. Throws ClaimLost, which rolls that back. */
  complete(tx: Db, jobs: Job<QueueName>[]): Promise<void>
  /** Done for now: the work is there again, as `data` says it for each of the jobs, after `afterMs`. */
  postpone<Q extends QueueName>(tx: Db, jobs: Job<Q>[], data: QueueData[Q][], afterMs: number): Promise<void>
  /**
   * Counts the jobs for PostgreSQL's planner: while its statistics have none of a queue, it reads all jobs of the last hour to claim one.
   * Autovacuum counts them within a minute. Not on the embedded database, which has no such statistics and assumes enough.
   * An optimization only: a failure is told, and not thrown.
   */
  countForPlanner(): Promise<void>
  /** Untouched, for anybody at once. */
  giveBack(jobs: Job<QueueName>[]): Promise<void>
  /** How much each queue holds, as the queue's own monitor counted a second ago. */
  depths(): Promise<Depth[]>
  /** How long the oldest job that may be taken now has waited for somebody to take it; 0: there is none. */
  overdueSeconds(queue: QueueName): Promise<number>
  /** All that is not done, as long as nobody works. */
  waiting(): AsyncIterable<WaitingJobs>
  countWaiting(): Promise<number>
  /** Takes no more work; resolves when every handler has returned. */
  stopWorking(): Promise<void>
  close(): Promise<void>
}

export interface Depth {
  queue: QueueName
  /** May be taken now; waits for its time; is being worked on. */
  ready: number
  later: number
  active: number
}

/** Far beyond any number of deaths: a job is given up by nobody but its handler. pg-boss's own default loses it at the third. */
const RETRY_LIMIT = 1_000_000
/** The longest time to live (a month) plus a pause of a month. */
const RETENTION_SECONDS = 60 * 86_400
/** How long finished jobs stay to be looked at. */
const DELETE_AFTER_SECONDS = 3_600
/** How often those are deleted. By itself pg-boss does it once a day, all of the day in one statement. */
const MAINTENANCE_SECONDS = 60
/** A killed worker's job is given out again after this silence; the shortest that pg-boss allows. */
const HEARTBEAT_SECONDS = 10
/** A handler that throws has met a bug, or lost the database; its jobs wait this long, so that it cannot spin. */
const AFTER_ERROR_MS = 5_000
/** Jobs that are looked at to find the oldest one that is due. */
const MOST_LOOKED_AT = 20_000
/** Once an hour, by one of all processes. */
const UPKEEP_CRON = '17 * * * *'

export interface QueueConnection {
  schema: string
  /** PGlite: its one handle, guarded. */
  handle?: Handle
  /** PostgreSQL: the queue keeps a small pool and its listener for itself. */
  url?: string
  /** Tests move the time of the queue and of the database with it. */
  clock?: QueueClock
}

/** pg-boss's way to the embedded database; refuses, rather than waits for ever, inside our own open transaction. */
export function guardedHandle(pglite: EmbeddedDatabase): Handle {
  const handle = fromPglite(pglite)
  return {
    ...handle,
    executeSql: async (text, values) => {
      assertOutsideTransaction('the queue')
      return values?.length || !ONE_TO_PLAN.test(text) ? handle.executeSql(text, values) : pglite.query(text)
    },
  }
}

export function newBoss(connection: QueueConnection, emit: Emit): PgBoss {
  const boss = new PgBoss({
    ...(connection.handle
      ? { db: connection.handle, backend: 'pglite' as const }
      : {
          connectionString: connection.url,
          max: 4,
          application_name: 'belfry-queue',
          Client: QueueClient,
          keepAlive: true,
        }),
    schema: connection.schema,
    ...(connection.clock ? { clock: connection.clock } : {}),
    useListenNotify: true,
    superviseIntervalSeconds: 1,
    monitorIntervalSeconds: 1,
    maintenanceIntervalSeconds: MAINTENANCE_SECONDS,
  })
  boss.on('error', (error) => emit('queue.error', { error: error.message }))
  return boss
}

/** Creates the queues and touches each once: pg-boss's queue cache, read cold inside a transaction, would deadlock PGlite. */
export async function warmUp(boss: PgBoss, kind: 'pglite' | 'postgres'): Promise<void> {
  for (const name of QUEUE_NAMES) {
    await boss.createQueue(name, {
      retryLimit: RETRY_LIMIT,
      retryDelay: 0,
      retryBackoff: false,
      expireInSeconds: 86_400,
      retentionSeconds: RETENTION_SECONDS,
      deleteAfterSeconds: DELETE_AFTER_SECONDS,
      notify: true,
      ...(kind === 'postgres' ? { heartbeatSeconds: HEARTBEAT_SECONDS } : {}),
    })
    await boss.findJobs(name, { id: randomUUID() })
  }
  await boss.schedule('upkeep', UPKEEP_CRON)
}

export function enqueueWith(boss: PgBoss): (kysely: Kysely<Tables>) => Enqueue {
  return (kysely) => async (queue, data, after) => {
    const jobs = data.map((item, index) => {
      const afterMs = typeof after === 'object' ? after[index] : after
      return { data: item, ...(afterMs ? { startAfter: afterMs / 1000 } : {}) }
    })
    await boss.insert(queue, jobs, { db: fromKysely(kysely) })
  }
}

/** Nobody else can be working on an embedded database: what a killed process had taken is given out again at once. */
export async function releaseAbandoned(boss: PgBoss, handle: Handle, schema: string): Promise<void> {
  const { rows } = await handle.executeSql(`select name, id from "${schema}".job where state = 'active'`)
  for (const name of QUEUE_NAMES) {
    const ids = rows.filter((row) => row.name === name).map((row) => row.id as string)
    if (ids.length > 0) await boss.fail(name, ids)
  }
}

type Settle = Pick<Queue, 'complete' | 'postpone' | 'giveBack'> & { isSettled: (job: Job<QueueName>) => boolean }
type Handler<Q extends QueueName> = (jobs: Job<Q>[]) => Promise<void>

/** @param at `schema`: the queue's own. */
export function makeQueue(
  boss: PgBoss,
  db: Db,
  emit: Emit,
  at: { schema: string; kind: 'pglite' | 'postgres' },
): Queue {
  const { schema, kind } = at
  const { isSettled, ...settle } = settling(boss)
  const crews: Crew[] = []
  return {
    ...settle,
    async work(queue, { workers, batchSize }, handler) {
      const crew = openCrew(
        boss,
        emit,
        { queue, workers, batchSize },
        async (claimed: BossJob<QueueData[typeof queue]>[]) => {
          const jobs = claimed.map(({ id, data, retryCount, signal }) => ({ id, queue, data, retryCount, signal }))
          await handle(db, emit, { ...settle, isSettled }, jobs, handler)
        },
      )
      crews.push(crew)
      await crew.start()
    },
    async countForPlanner() {
      if (kind === 'pglite') return
      const counted = sql`analyze (skip_locked) ${sql.id(schema, 'job')} (name)`.execute(db.kysely)
      await counted.catch((error: unknown) => emit('queue.error', { error: (error as Error).message }))
    },
    async depths() {
      const queues = await boss.getQueues([...QUEUE_NAMES])
      return queues.map(({ name, queuedCount, deferredCount, activeCount }) => ({
        queue: name as QueueName,
        ready: Math.max(0, queuedCount - deferredCount),
        later: deferredCount,
        active: activeCount,
      }))
    },
    async overdueSeconds(queue) {
      const [oldest] = await db.rows<{ seconds: number }>(sql`
        select coalesce(extract(epoch from ${db.now} - min(start_after)), 0)::float8 as seconds from (
          select start_after from ${sql.id(schema, 'job')}
          where name = ${queue} and state < 'active' and not blocked
          order by priority desc, created_on limit ${MOST_LOOKED_AT}::int) waiting
        where start_after <= ${db.now}`)
      return oldest?.seconds ?? 0
    },
    waiting: () => waitingJobs(db, sql.id(schema, 'job')),
    countWaiting: () => countWaitingJobs(db, sql.id(schema, 'job')),
    async stopWorking() {
      await Promise.all(crews.map((crew) => crew.stop()))
    },
    close: () => boss.stop({ graceful: false, close: true }),
  }
}

function settling(boss: PgBoss): Settle {
  const settled = new WeakSet<Job<QueueName>>()
  const complete: Queue['complete'] = async (tx, jobs) => {
    const [job] = jobs
    if (!job) return
    const attempts = jobs.map(({ id, retryCount }) => ({ id, retryCount }))
    const answer = await boss.complete(job.queue, attempts, null, { db: fromKysely(tx.kysely) })
    if ((answer as { affected?: number }).affected !== jobs.length) {
      throw new ClaimLost(`a claim of ${jobs.length} on ${job.queue} is lost (job ${job.id})`)
    }
    for (const one of jobs) settled.add(one)
  }
  return {
    complete,
    isSettled: (job) => settled.has(job),
    async postpone(tx, jobs, data, afterMs) {
      const [job] = jobs
      if (!job) return
      await complete(tx, jobs)
      await tx.enqueue(job.queue, data, afterMs)
    },
    async giveBack(jobs) {
      for (const { queue, id, retryCount } of jobs) await boss.fail(queue, { id, retryCount })
    },
  }
}

async function handle<Q extends QueueName>(db: Db, emit: Emit, settle: Settle, jobs: Job<Q>[], handler: Handler<Q>) {
  let failed = false
  try {
    await failpoint('after_claim')
    await handler(jobs)
  } catch (error) {
    failed = true
    if (!(error instanceof ClaimLost)) await putOff(db, emit, settle, jobs, error)
  }
  // After a failure all are given back, since what settled them may be rolled back: those that are finished after all, or another's by
  // now, are not touched by it. When this fails it must not be caught: pg-boss would take the jobs for done.
  await settle.giveBack(jobs.filter((job) => failed || !settle.isSettled(job)))
}

async function putOff(db: Db, emit: Emit, settle: Settle, jobs: Job<QueueName>[], error: unknown): Promise<void> {
  const { message, stack } = error instanceof Error ? error : { message: String(error) }
  // That the database is away is no bug, and nobody's to report.
  if (isDatabaseAway(error)) emit('database.error', { error: message })
  else emit('job.failed', { queue: jobs[0]?.queue ?? '', error: stack ?? message })
  for (const job of jobs) {
    await db.transaction((tx) => settle.postpone(tx, [job], [job.data], AFTER_ERROR_MS)).catch(() => undefined)
  }
}
