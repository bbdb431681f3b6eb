/** What is read from the database for a scrape: the same at every process, and at most once in some seconds. */
import { Gauge, type Registry } from 'prom-client'
import { maskPushTokensIn } from '../domain/push-token.ts'
import { readPaces } from '../store/ledger/pace.ts'
import type { Database } from '../store/open.ts'
import { laneLags, openAlarmCounts, openNotificationCounts } from '../store/views/vitals.ts'
import { openTokenCount } from './token-count.ts'

/** Several scrapers cost one look at the database. */
const FRESH_MS = 5_000
/** A scrape is given up after ten seconds; before that it says that the database is away. */
const LONGEST_LOOK_MS = 4_000

/** @param rateLimit as configured; 0: none. @returns brings the gauges up to date. */
export function openGauges(registry: Registry, database: Database, rateLimit: number): () => Promise<void> {
  const gauges = makeGauges(registry)
  const tokens = openTokenCount(registry, database.db)
  gauges.rateLimit.set(rateLimit)
  let lookedAt = Number.NEGATIVE_INFINITY
  let looking: Promise<void> | undefined

  async function look(): Promise<void> {
    const set = await within(LONGEST_LOOK_MS, read(gauges, database, rateLimit)).catch(() => undefined)
    gauges.up.set(set ? 1 : 0)
    for (const gauge of gauges.fromDatabase) gauge.reset()
    set?.()
    if (set) tokens.countSoon()
    lookedAt = performance.now()
  }
  return () => {
    if (performance.now() - lookedAt < FRESH_MS) return Promise.resolve()
    looking ??= look().finally(() => (looking = undefined))
    return looking
  }
}

type Gauges = ReturnType<typeof makeGauges>

function makeGauges(registry: Registry) {
  const gauge = <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
    new Gauge({ name: `belfry_${name}`, help, labelNames, registers: [registry] })
  const fromDatabase = {
    lag: gauge('lane_lag_seconds', 'How long the oldest due work waits; a broadcast: since it last moved on.', [
      'lane',
    ]),
    jobs: gauge('queue_jobs', 'Jobs in each queue.', ['queue', 'state']),
    limit: gauge('pace_limit', 'Recipients a second that may be sent just now, after what 429s took.', ['project']),
    sent: gauge('pace_sent', 'Recipients sent within the last second, of all processes together.', ['project']),
    breaker: gauge('breaker_open', '1 while sending to the project is paused.', ['project']),
    due: gauge('receipts_due', 'Pieces of work (up to 1,000 tickets) whose receipts may be asked for now.'),
    notifications: gauge('notifications', 'Notifications that are not at their end.', ['lane', 'state']),
    alarms: gauge('alarms_open', 'Alarms that wait for a person.', ['kind']),
  }
  return {
    ...fromDatabase,
    fromDatabase: Object.values(fromDatabase) as Gauge[],
    up: gauge('database_up', '1 when the database answered.'),
    rateLimit: gauge('rate_limit', 'EXPO_RATE_LIMIT: recipients a second, all processes together; 0: none.'),
  }
}

/** Nothing is set before everything is read. */
async function read(gauges: Gauges, { db, queue }: Database, rateLimit: number): Promise<() => void> {
  const lags = await laneLags(db)
  const overdue = await queue.overdueSeconds('receipts')
  const depths = await queue.depths()
  const paces = await readPaces(db, rateLimit)
  const notifications = await openNotificationCounts(db)
  const alarms = await openAlarmCounts(db)
  return () => {
    gauges.lag.set({ lane: 'direct' }, lags.direct)
    gauges.lag.set({ lane: 'broadcast' }, lags.broadcast)
    gauges.lag.set({ lane: 'receipts' }, overdue)
    gauges.due.set(0)
    for (const { queue: name, ready, later, active } of depths) {
      for (const [state, count] of Object.entries({ ready, later, active })) {
        gauges.jobs.set({ queue: name, state }, count)
      }
      if (name === 'receipts') gauges.due.set(ready)
    }
    for (const { project: id, limit, sent, open } of paces) {
      const project = maskPushTokensIn(id) || 'none'
      if (rateLimit > 0) gauges.limit.set({ project }, limit)
      if (rateLimit > 0) gauges.sent.set({ project }, sent)
      gauges.breaker.set({ project }, open ? 1 : 0)
    }
    for (const lane of ['direct', 'broadcast'])
      for (const state of ['queued', 'scheduled', 'sending', 'paused']) gauges.notifications.set({ lane, state }, 0)
    for (const { lane, state, count } of notifications) gauges.notifications.set({ lane, state }, count)
    for (const { kind, count } of alarms) gauges.alarms.set({ kind }, count)
  }
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Error(`not within ${ms} ms`)), ms)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}
