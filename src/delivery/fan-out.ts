/** The fan-out of a broadcast: one page of chunks a job, and nothing while the notification may not go on. */
import { cutPage } from '../store/ledger/fan-out.ts'
import { type Ended, finishNotifications, loadNotification } from '../store/notifications/notifications.ts'
import { parkJob } from '../store/queue/parked.ts'
import type { Job } from '../store/schema/jobs.ts'
import { endingOf } from './plan/ending.ts'
import { tellEnded } from './tell.ts'
import type { Workplace } from './workplace.ts'

/** A broadcast that gets this far has enough chunks for a plan to matter. */
const PAGE_OF_MANY = 1

export async function fanOut(place: Workplace, job: Job<'fan-out'>): Promise<void> {
  const { notificationId } = job.data
  const notification = await loadNotification(place.db, notificationId)
  const ending = notification && endingOf(notification, place.options.pushesEnabled)
  const held = notification && !ending ? place.breaker.look(null) : undefined
  const ended = await place.db.transaction(async (tx): Promise<Ended[] | void> => {
    if (notification?.state === 'paused' && !ending) return parkJob(tx, place.queue, job, job.data)
    if (held?.kind === 'wait') return place.queue.postpone(tx, [job], [job.data], held.ms)
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
