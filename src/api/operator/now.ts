/** What is going on now: one look for all who watch. */
import type { FastifyInstance } from 'fastify'
import { maskPushTokensIn } from '../../domain/push-token.ts'
import type { Db } from '../../store/database/db.ts'
import { findOpenBreakers } from '../../store/ledger/pace.ts'
import type { Queue } from '../../store/queue/queue.ts'
import { listAlarms } from '../../store/tokens/alarms.ts'
import { inFlight, lastErrors, type Second, sentLately, underWay } from '../../store/views/now.ts'
import { openStream } from '../http/stream.ts'
import { openWatch } from '../http/watch.ts'
import type { ApiOptions } from '../options.ts'

/** As much as the chart shows. */
const SECONDS = 90
/** What a later look reads again: seconds that had not ended, and answers that came meanwhile. */
const OVERLAP_SECONDS = 6
/** The first look reads far back, once. */
const FIRST_NEWEST = 20_000

export async function nowRoutes(app: FastifyInstance, options: ApiOptions): Promise<void> {
  const { db, queue } = options.database
  const config = { caller: 'operator' } as const
  const chart = openChart(db)
  const look = () => nowOf(db, queue, chart, options)
  const watch = openWatch(look)

  app.get('/api/operator/now', { config }, async () => ({ success: true, ...(await look()) }))
  app.get('/api/operator/now/events', { config, exposeHeadRoute: false }, (request, reply) => {
    const stream = openStream(request, reply)
    stream.onClose(watch.join('now', (now) => stream.send({ event: 'now', data: now })))
  })
}

async function nowOf(db: Db, queue: Queue, chart: Chart, options: ApiOptions) {
  const [seconds, flying, waiting, errors, breakers, alarms, queues] = [
    await chart.read(),
    await inFlight(db),
    await underWay(db),
    await lastErrors(db),
    await findOpenBreakers(db),
    await listAlarms(db, { open: true }),
    await queue.depths(),
  ]
  return {
    at: new Date().toISOString(),
    rate_limit: options.rateLimit ?? 0,
    mode: options.mode,
    seconds,
    in_flight: flying,
    queues,
    under_way: waiting.map((one) => ({ ...one, postponed: one.postponed && maskPushTokensIn(one.postponed) })),
    last_errors: errors.map((error) => ({ ...error, message: maskPushTokensIn(error.message) })),
    breakers: breakers.map(({ project, reason, remainingMs }) => {
      return { project, reason: maskPushTokensIn(reason), remaining_seconds: Math.ceil(remainingMs / 1_000) }
    }),
    alarms: alarms.length,
  }
}

interface Chart {
  /** The last seconds, oldest first; seconds in which nothing was sent are missing. */
  read(): Promise<Second[]>
}

/** Remembers what it has read: only the newest seconds are read again. */
function openChart(db: Db): Chart {
  const seconds = new Map<number, Second>()
  let readAt = Number.NEGATIVE_INFINITY
  return {
    async read() {
      const gap = (performance.now() - readAt) / 1_000
      const back = Math.min(SECONDS, gap + OVERLAP_SECONDS)
      const read = await sentLately(db, back, back < SECONDS ? undefined : FIRST_NEWEST)
      readAt = performance.now()
      for (const second of read) {
        const known = seconds.get(second.at)
        // The oldest second of a look is cut off in the middle.
        if (!known || known.direct + known.broadcast <= second.direct + second.broadcast) seconds.set(second.at, second)
      }
      const oldest = Math.max(0, ...seconds.keys()) - SECONDS
      for (const at of seconds.keys()) if (at < oldest) seconds.delete(at)
      return [...seconds.values()].toSorted((a, b) => a.at - b.at)
    },
  }
}
