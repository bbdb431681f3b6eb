/** The senders of direct notifications: up to a hundred at once, packed into shared requests, each with its own books. */

import { all } from '../domain/all.ts'
import { pack } from '../domain/messages/requests.ts'
import type { Device, SkipReason } from '../domain/notification.ts'
import { findDirectWork, type Plan } from '../store/ledger/plan.ts'
import {
  finishNotifications,
  loadNotification,
  type Notification,
  setPostponed,
} from '../store/notifications/notifications.ts'
import { parkJob } from '../store/queue/parked.ts'
import { ClaimLost } from '../store/queue/queue.ts'
import type { Job } from '../store/schema/jobs.ts'
import { closePlan, type Ending, endingOf } from './plan/ending.ts'
import type { Parcel } from './plan/parcel.ts'
import { DIRECT_CHUNK, isIn, mayBeSkipped, planNew, resumePlan, type ToPlan } from './plan/plan.ts'
import { enqueueReceipts } from './receipts.ts'
import { type Hold, type Run, type RunEnd, worst } from './request/run.ts'
import { tellEnded, tellUnknown } from './tell.ts'
import { inDirectSpans } from './traced.ts'
import type { HeadStart } from './turns/turns.ts'
import type { Workplace } from './workplace.ts'

type DirectJob = Job<'send-direct'>
interface Task {
  job: DirectJob
  notification: Notification
  /** Undefined: not read, because those before it fill this batch. */
  devices: Device[] | undefined
  /** What an earlier attempt has planned. */
  plan: Plan | undefined
}

/** A sender takes no more than this at once; what is over goes back to the queue. */
const MOST_RECIPIENTS = 1_000

export async function sendDirect(place: Workplace, run: Run, jobs: DirectJob[]): Promise<void> {
  const works = await findDirectWork(place.db, jobs.map(pieceOf), MOST_RECIPIENTS)
  const tasks: Task[] = []
  for (const [index, job] of jobs.entries()) {
    const work = works[index]
    if (!work) await place.db.transaction((tx) => place.queue.complete(tx, [job]))
    else if (!(await endOrPark(place, { job, ...work }))) tasks.push({ job, ...work })
  }
  if (tasks.length > 0) await inDirectSpans(place.tracing, tasks, () => sendTasks(place, run, tasks))
}

async function sendTasks(place: Workplace, run: Run, tasks: Task[]): Promise<void> {
  const { parcels, taken, skipped, start } = await parcelsOf(place, tasks)
  const ends = await sendParcels(run, place.pace.largestRequest, { parcels, tasks: taken, start })
  const done = taken.filter((task) => ends.get(task.notification.id) === 'done')
  await finish(place, done, skipped)
  for (const task of taken) {
    const end = ends.get(task.notification.id)
    if (typeof end === 'object') await postpone(place, task, end)
    else if (end === 'not_begun') await lookAgain(place, task)
  }
}

const pieceOf = ({ data: { notificationId, asked } }: DirectJob) => ({ notificationId, chunk: DIRECT_CHUNK, asked })

/** @returns whether there is nothing left to send of it. */
async function endOrPark(
  place: Workplace,
  { job, notification }: Pick<Task, 'job' | 'notification'>,
): Promise<boolean> {
  const ending = endingOf(notification, place.options.pushesEnabled)
  if (ending) await end(place, { job, notification }, ending)
  else if (notification.state === 'paused') await park(place, job)
  else return false
  return true
}

interface Planned {
  parcels: Parcel[]
  taken: Task[]
  /** Nothing is to be sent for these, and why. */
  skipped: Map<Task, SkipReason>
  /** Set when all parcels are one request whose intents were saved with the plan. */
  start?: HeadStart | undefined
}

async function parcelsOf(place: Workplace, tasks: Task[]): Promise<Planned> {
  const [planned, fresh] = [tasks.filter((task) => task.plan), tasks.filter((task) => !task.plan)]
  const { work, taken, skipped } = chooseUpTo(MOST_RECIPIENTS, fresh, place.pace.largestRequest)
  const start = planned.length === 0 ? startAhead(place, work) : undefined
  const parcels = await planNew(place.db, work, start !== undefined).catch((error: unknown) => {
    start?.leave()
    throw error
  })
  const goingOut = new Set(parcels.map((parcel) => parcel.notification.id))
  for (const task of taken) if (!goingOut.has(task.notification.id)) skipped.set(task, 'credentials')
  for (const { notification, plan } of planned) if (plan) parcels.push(...(await resumePlan(place, notification, plan)))
  return { parcels, taken: [...taken, ...planned], skipped, start }
}

/** Work that fits into one request is planned and begun in one statement, and takes its turn while that runs. */
function startAhead({ breaker, turns, pace }: Workplace, work: ToPlan[]): HeadStart | undefined {
  if (work.some(mayBeSkipped)) return undefined
  const recipients = work.flatMap((one) => one.recipients)
  const [project, ...others] = new Set(recipients.map((one) => one.project))
  if (project === undefined || others.length > 0 || recipients.length > pace.largestRequest) return undefined
  return breaker.look(project).kind === 'go' ? turns.ahead(project, recipients.length) : undefined
}

function chooseUpTo(most: number, tasks: Task[], inOneRequest: number) {
  const work: ToPlan[] = []
  const taken: Task[] = []
  const skipped: Planned['skipped'] = new Map()
  let count = 0
  for (const task of tasks) {
    if (!task.devices) continue
    const recipients = task.devices.filter((device) => isIn(task.notification.audience, device))
    if (count > 0 && count + recipients.length > most) continue
    count += recipients.length
    if (recipients.length === 0) skipped.set(task, 'no_push_token')
    else {
      taken.push(task)
      work.push({ notification: task.notification, chunk: DIRECT_CHUNK, recipients, most: inOneRequest })
    }
  }
  return { work, taken, skipped }
}

/** How each notification ended: its parcels may have travelled in several requests. */
async function sendParcels(
  run: Run,
  most: number,
  { parcels, tasks, start }: Pick<Planned, 'parcels' | 'start'> & { tasks: Task[] },
): Promise<Map<string, RunEnd>> {
  const tries = Math.max(0, ...tasks.map((task) => task.job.data.tries))
  const ends = new Map<string, RunEnd[]>(tasks.map((task) => [task.notification.id, []]))
  const sized = parcels.map((parcel) => ({ parcel, project: parcel.delivery.project, size: parcel.recipients.length }))
  await all(
    pack(sized, most).map(async (request) => {
      const end = await run(
        'direct',
        request.map((one) => one.parcel),
        tries,
        start,
      )
      for (const { parcel } of request) ends.get(parcel.notification.id)?.push(end)
    }),
  )
  return new Map([...ends].map(([id, all]) => [id, worst(all)]))
}

async function finish(place: Workplace, done: Task[], skipped: Planned['skipped']): Promise<void> {
  const tasks = [...new Set([...done, ...skipped.keys()])]
  if (tasks.length === 0) return
  const ends = tasks.map((task) => ({ id: task.notification.id, skipReason: skipped.get(task) ?? null }))
  const ended = await place.db.transaction(async (tx) => {
    const jobs = tasks.map((task) => task.job)
    const [, finished] = await all([
      place.queue.complete(tx, jobs),
      finishNotifications(tx, ends),
      enqueueReceipts(tx, jobs.map(pieceOf), place.options.receiptDelayMs),
    ])
    return finished
  })
  tellEnded(place.emit, ended)
  for (const [{ notification }, reason] of skipped) {
    if (reason !== 'no_push_token') continue
    const users = 'users' in notification.audience ? notification.audience.users : []
    for (const userId of users) place.emit('user.without_token', { userId, notificationId: notification.id })
  }
}

async function end(
  place: Workplace,
  { job, notification }: Pick<Task, 'job' | 'notification'>,
  ending: Ending,
): Promise<void> {
  const { unknown, ended } = await place.db.transaction(async (tx) => {
    await place.queue.complete(tx, [job])
    const closed = await closePlan(tx, notification, DIRECT_CHUNK, ending)
    await enqueueReceipts(tx, [pieceOf(job)], place.options.receiptDelayMs)
    const state = ending === 'expired' ? 'expired' : 'finished'
    const skipReason = ending === 'disabled' ? 'disabled' : null
    return { unknown: closed, ended: await finishNotifications(tx, [{ id: notification.id, skipReason, state }]) }
  })
  tellUnknown(place.emit, 'direct', unknown)
  tellEnded(place.emit, ended)
}

async function postpone(place: Workplace, { job, notification }: Task, hold: Hold): Promise<void> {
  await place.db.transaction(async (tx) => {
    const asked = await enqueueReceipts(tx, [pieceOf(job)], place.options.receiptDelayMs)
    await place.queue.postpone(tx, [job], [{ ...job.data, tries: hold.tries, asked }], hold.afterMs)
    await setPostponed(tx, [notification.id], hold.reason)
  })
}

async function park(place: Workplace, job: DirectJob): Promise<void> {
  await place.db.transaction(async (tx) => {
    const asked = await enqueueReceipts(tx, [pieceOf(job)], place.options.receiptDelayMs)
    await parkJob(tx, place.queue, job, { ...job.data, asked })
  })
}

/** Not begun: it has just expired, or been cancelled or paused; or somebody else has it. */
async function lookAgain(place: Workplace, task: Task): Promise<void> {
  const now = await loadNotification(place.db, task.notification.id)
  if (now && (await endOrPark(place, { ...task, notification: now }))) return
  throw new ClaimLost('somebody else sends this notification')
}
