/** From a piece of work to parcels: planned once, in the ledger; taken up again where it stands. */
import { mayRepeat } from '../domain/judge.ts'
import type { Audience, Recipient } from '../domain/notification.ts'
import { byProject } from '../domain/requests.ts'
import { RESULT } from '../domain/result.ts'
import type { Emit } from '../ports.ts'
import { claimCredentialsProbe } from '../store/alarms.ts'
import type { Db } from '../store/db.ts'
import { settleDeliveries, takeOver } from '../store/deliveries.ts'
import type { Notification } from '../store/notifications.ts'
import {
  insertPlan,
  insertSkipped,
  type NewDelivery,
  type NewSkipped,
  type OpenDelivery,
  type Plan,
  readTokens,
} from '../store/plan.ts'
import { makeParcel, type Parcel } from './parcel.ts'
import { tellUnknown } from './tell.ts'

/** A direct notification is one piece of work; broadcasts have chunks, named by their first push token id, from 1. */
export const DIRECT_CHUNK = 0

export interface ToPlan {
  notification: Notification
  chunk: number
  recipients: Recipient[]
  /** In one request; without it, as many as Expo takes. */
  most?: number
}

const isMuted = (recipient: Recipient, { notification }: ToPlan) =>
  recipient.muted?.includes(notification.kind) ?? false

/** Whether there is anybody among them to whom it may not be sent. */
export const mayBeSkipped = (one: ToPlan): boolean =>
  one.recipients.some((recipient) => recipient.suspended || isMuted(recipient, one))

/**
 * Writes the plan of work that has none yet. Who is suspended, or has muted this kind, is written down as skipped; but
 * now and then a suspended one is sent to after all, to see whether the app's credentials work again.
 * @param begin saves the intents with the plan, where nobody is skipped: such parcels come back begun.
 */
export async function planNew(db: Db, work: ToPlan[], begin = false): Promise<Parcel[]> {
  const probed = await chooseProbes(db, work)
  const whySkipped = (recipient: Recipient, one: ToPlan) => {
    if (isMuted(recipient, one)) return 'muted'
    return recipient.suspended && !probed.has(recipient.id) ? 'credentials' : undefined
  }
  const rows = work.flatMap((one) =>
    cut(
      one,
      one.recipients.filter((recipient) => whySkipped(recipient, one) === undefined),
    ),
  )
  const skipped = skipReasons.flatMap((reason, index) =>
    work.flatMap((one) => {
      const recipients = one.recipients.filter((recipient) => whySkipped(recipient, one) === reason)
      return cut(one, recipients, FIRST_SKIPPED_PART * (index + 1)).map((row) => ({ ...row, reason }))
    }),
  )
  const planned = await writePlan(db, { rows, skipped, begin })
  const notifications = new Map(work.map(({ notification }) => [notification.id, notification]))
  const recipients = new Map(
    work.flatMap((one) => one.recipients.map((recipient) => [recipient.id, recipient] as const)),
  )
  return planned.map((one) => {
    const parcel = makeParcel(one, notifications.get(one.notification_id) as Notification, recipients)
    return one.state === 1 ? { ...parcel, held: { id: one.id, attempt: one.attempt } } : parcel
  })
}

/** All of the plan or none: parts of ours beside somebody else's would tell people twice. */
async function writePlan(
  db: Db,
  { rows, skipped, begin }: { rows: NewDelivery[]; skipped: NewSkipped[]; begin: boolean },
): Promise<OpenDelivery[]> {
  if (rows.length === 0 && skipped.length === 0) return []
  if (skipped.length === 0) return insertPlan(db, rows, begin)
  return db.transaction(async (tx) => {
    const planned = rows.length > 0 ? await insertPlan(tx, rows) : []
    await insertSkipped(tx, skipped)
    return planned
  })
}

const skipReasons = ['credentials', 'muted'] as const
/** Beyond the parts of any chunk that is sent. */
const FIRST_SKIPPED_PART = 1_000_000

function cut({ notification, chunk, most }: ToPlan, recipients: Recipient[], firstPart = 0): NewDelivery[] {
  return byProject(recipients, most).map((request, index) => ({
    notificationId: notification.id,
    chunk,
    part: firstPart + index,
    project: request.project,
    tokenIds: request.recipients.map((one) => one.id),
  }))
}

/** The next real notification due to a suspended token, one for each project and platform at a time. */
async function chooseProbes(db: Db, work: ToPlan[]): Promise<Set<number>> {
  const suspended = work.flatMap((one) =>
    one.recipients.filter((recipient) => recipient.suspended && !isMuted(recipient, one)),
  )
  const probes = new Set<number>()
  for (const [first] of Map.groupBy(suspended, ({ project, deviceType }) => `${project}/${deviceType}`).values()) {
    if (!first) continue
    const credentials = { project: first.project ?? '', deviceType: first.deviceType ?? '' }
    if (await claimCredentialsProbe(db, credentials)) probes.add(first.id)
  }
  return probes
}

/**
 * What is left of a plan that an earlier attempt began. Deliveries found as `sending` may have been sent: they are
 * repeated within limits, past which they end as `unknown`.
 */
export async function resumePlan(
  { db, emit }: { db: Db; emit: Emit },
  notification: Notification,
  plan: Plan,
): Promise<Parcel[]> {
  const begun = plan.open.filter((one) => one.state === 1).map((one) => ({ ...one, deaths: one.deaths + 1 }))
  const again = begun.filter((one) => mayRepeat(one, notification.on_unknown))
  const over = begun.filter((one) => !again.includes(one))
  await settleUnknown(db, over)
  tellUnknown(emit, notification.lane, over)
  await takeOver(db, again)
  const open = [...plan.open.filter((one) => one.state === 0), ...again]
  const tokens = await readTokens(
    db,
    open.flatMap((one) => one.token_ids),
  )
  const reached = tokens.filter((recipient) => isIn(notification.audience, recipient))
  const recipients = new Map(reached.map((recipient) => [recipient.id, recipient]))
  return open.map((one) => makeParcel(one, notification, recipients))
}

/** Their requests may have left, and nobody will ask again. */
export async function settleUnknown(db: Db, open: OpenDelivery[]): Promise<void> {
  if (open.length === 0) return
  await settleDeliveries(
    db,
    open.map(({ id, attempt, token_ids }) => ({
      id,
      attempt,
      results: token_ids.map(() => RESULT.unknown),
      ticketIds: null,
    })),
  )
}

/** Whether this push token, as it belongs now, is meant. */
export function isIn(audience: Audience, recipient: Recipient): boolean {
  if (audience.except?.includes(recipient.userId)) return false
  return 'users' in audience ? audience.users.includes(recipient.userId) : true
}
