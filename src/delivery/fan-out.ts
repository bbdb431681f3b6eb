/** The fan-out of a broadcast: one page of chunks a job, and nothing while the notification may not go on. */
import { cutPage } from '../store/ledger/fan-out.ts'
import { type Ended, finishNotifications, loadNotification } from '../store/notifications/notifications.ts'
import { parkJob } from '../store/queue/parked.ts'
import type { Job, QueueData } from '../store/schema/jobs.ts'
import { endingOf } from './plan/ending.ts'
import { tellEnded } from './tell.ts'
import type { Workplace } from './workplace.ts'

/** How soon it is looked again whether the project that a page waits for is still held. */
const LOOK_AGAIN_MS = 5_000
/** The second page, counted from 0: from here on there are enough jobs for PostgreSQL's plan of the queue to matter. */
const PAGE_OF_MANY = 1

export async function fanOut(place: Workplace, job: Job<'fan-out'>): Promise<void> {
  const { notificationId } = job.data
  const notification = await loadNotification(place.db, notificationId)
  const ending = notification && endingOf(notification, place.options.pushesEnabled)
  const heldMs = notification && !ending ? holdOf(place, job) : undefined
  const ended = await place.db.transaction(async (tx): Promise<Ended[] | void> => {
    if (notification?.state === 'paused' && !ending) return parkJob(tx, place.queue, job, job.data)
    if (heldMs !== undefined) return place.queue.postpone(tx, [job], [waited(job.data, heldMs)], heldMs)
    await place.queue.complete(tx, [job])
    if (!notification) return
    if (!ending) {
      await cutPage(tx, job.data, { endInHalves: !place.pace.isNarrow })
      return
    }
    const end =
      ending === 'expired' ? ({ skipReason: null, state: 'expired' } as const) : ({ skipReason: 'disabled' } as const)
    return finishNotifications(tx, [{ id: notificationId, ...end }])
  })
  tellEnded(place.emit, ended ?? [])
  if (job.data.page === PAGE_OF_MANY) await place.queue.countForPlanner()
}

/** How long a page must wait: while nothing may be sent at all; or, for a while, while the project is held that held up the one before. */
function holdOf({ breaker }: Workplace, { data: { held } }: Job<'fan-out'>): number | undefined {
  const all = breaker.look(null)
  if (all.kind === 'wait') return all.ms
  return held && held.forMs > 0 && breaker.isOpen(held.project) ? LOOK_AGAIN_MS : undefined
}

const waited = ({ held, ...data }: QueueData['fan-out'], ms: number): QueueData['fan-out'] =>
  held ? { ...data, held: { ...held, forMs: held.forMs - ms } } : data
