/** From a piece of work to parcels: planned once, in the ledger; taken up again where it stands. */
import { mayRepeat } from '../../domain/answers/judge.ts'
import { RESULT } from '../../domain/answers/result.ts'
import { byProject } from '../../domain/messages/requests.ts'
import type { Audience, Device, Recipient } from '../../domain/notification.ts'
import type { Emit } from '../../ports.ts'
import type { Db } from '../../store/database/db.ts'
import { settleDeliveries, takeOver } from '../../store/ledger/deliveries.ts'
import {
  insertPlan,
  insertSkipped,
  type NewDelivery,
  type NewSkipped,
  type OpenDelivery,
  type Plan,
  readTokens,
} from '../../store/ledger/plan.ts'
import type { Notification } from '../../store/notifications/notifications.ts'
import { ClaimLost } from '../../store/queue/queue.ts'
import { DELIVERY_STATE } from '../../store/schema/tables.ts'
import { claimCredentialsProbe } from '../../store/tokens/alarms.ts'
import { tellUnknown } from '../tell.ts'
import type { Parcel } from './parcel.ts'

/** A direct notification is one piece of work; broadcasts have chunks, named by their first push token id, from 1. */
export const DIRECT_CHUNK = 0

export interface ToPlan {
  notification: Notification
  chunk: number
  recipients: Recipient[]
  /** In one request; without it, as many as Expo takes. */
  most?: number
}

const isMuted = ({ muted }: Recipient, { kind }: Notification) => muted?.includes(kind) ?? false

/** Whether there is anybody among them to whom it may not be sent. */
export const mayBeSkipped = (one: ToPlan): boolean =>
  one.recipients.some((recipient) => recipient.suspended || isMuted(recipient, one.notification))

/**
 * Writes the plan of work that has none yet. Who is suspended, or has muted this kind, is written down as skipped; but
 * now and then a suspended one is sent to after all, to see whether the app's credentials work again.
 * @param begin saves the intents with the plan, where nobody is skipped: such parcels come back begun.
 */
export async function planNew(db: Db, work: ToPlan[], begin = false): Promise<Parcel[]> {
  const some = work.filter(mayBeSkipped)
  const skipped = some.length > 0 ? await chooseSkipped(db, some) : undefined
  const requests = work.flatMap((one) =>
    cut(one, skipped ? one.recipients.filter((recipient) => !skipped.reasons.has(recipient)) : one.recipients),
  )
  const rows = requests.map(({ row }) => row)
  const planned = await writePlan(db, { rows, skipped: skipped?.rows ?? [], begin })
  return requests.map(({ notification, recipients }, index) => {
    const delivery = planned[index] as OpenDelivery
    const parcel = { delivery, notification, recipients }
    return delivery.state === DELIVERY_STATE.sending
      ? { ...parcel, held: { id: delivery.id, attempt: delivery.attempt } }
      : parcel
  })
}

interface Skipped {
  rows: NewSkipped[]
  reasons: Map<Recipient, NewSkipped['reason']>
}

async function chooseSkipped(db: Db, work: ToPlan[]): Promise<Skipped> {
  const probed = await chooseProbes(db, work)
  const reasons: Skipped['reasons'] = new Map()
  for (const one of work) {
    for (const recipient of one.recipients) {
      if (isMuted(recipient, one.notification)) reasons.set(recipient, 'muted')
      else if (recipient.suspended && !probed.has(recipient.id)) reasons.set(recipient, 'credentials')
    }
  }
  const rows = skipReasons.flatMap((reason, index) =>
    work.flatMap((one) => {
      const recipients = one.recipients.filter((recipient) => reasons.get(recipient) === reason)
      return cut(one, recipients, FIRST_SKIPPED_PART * (index + 1)).map(({ row }) => ({ ...row, reason }))
    }),
  )
  return { rows, reasons }
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

function cut({ notification, chunk, most }: ToPlan, of: Recipient[], firstPart = 0) {
  return byProject(of, most).map(({ project, recipients }, index) => ({
    notification,
    recipients,
    row: {
      notificationId: notification.id,
      chunk,
      part: firstPart + index,
      project,
      tokenIds: recipients.map((one) => one.id),
    } satisfies NewDelivery,
  }))
}

/** The next real notification due to a suspended token, one for each project and platform at a time. */
async function chooseProbes(db: Db, work: ToPlan[]): Promise<Set<number>> {
  const suspended = work.flatMap((one) =>
    one.recipients.filter((recipient) => recipient.suspended && !isMuted(recipient, one.notification)),
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
  const begun = plan.open
    .filter((one) => one.state === DELIVERY_STATE.sending)
    .map((one) => ({ ...one, deaths: one.deaths + 1 }))
  const again = begun.filter((one) => mayRepeat(one, notification.on_unknown))
  const over = begun.filter((one) => !again.includes(one))
  await settleUnknown(db, over)
  tellUnknown(emit, notification.lane, recipientsOf(over))
  if ((await takeOver(db, again)).length < again.length) throw new ClaimLost('somebody else goes on with the same work')
  const taken = again.map((one) => ({ ...one, attempt: one.attempt + 1 }))
  const open = [...plan.open.filter((one) => one.state === DELIVERY_STATE.planned), ...taken]
  return addressed(
    db,
    open.map((delivery) => ({ delivery, notification })),
  )
}

/** To whom it goes now: since it was planned, a token may have been logged out, or have moved, or its user have muted this. */
export async function addressed(
  db: Db,
  parcels: (Pick<Parcel, 'delivery' | 'notification'> & Partial<Parcel>)[],
): Promise<Parcel[]> {
  const ids = parcels.flatMap(({ delivery }) => delivery.token_ids)
  // Parcels to a topic share no request with others: the first topic is that of all.
  const [topic] = parcels.flatMap(({ notification: { audience } }) => ('topic' in audience ? audience.topic : []))
  const devices = new Map((await readTokens(db, ids, topic)).map((device) => [device.id, device]))
  return parcels.map(({ delivery, notification, recipients }) => ({
    delivery,
    notification,
    recipients: delivery.token_ids.map((id, position) => {
      const device = devices.get(id)
      // Nobody who is suspended, but who is a probe.
      if (device?.suspended && !recipients?.[position]?.suspended) return null
      return device && isIn(notification.audience, device) && !isMuted(device, notification) ? device : null
    }),
  }))
}

export const recipientsOf = (open: OpenDelivery[]): number => open.reduce((sum, one) => sum + one.token_ids.length, 0)

/** Their requests may have left, and nobody will ask again; if somebody does after all, what is open has to be read again. */
export async function settleUnknown(db: Db, open: OpenDelivery[]): Promise<void> {
  if (open.length === 0) return
  const holders = await settleDeliveries(
    db,
    open.map(({ id, attempt, token_ids }) => ({
      id,
      attempt,
      results: token_ids.map(() => RESULT.unknown),
      ticketIds: null,
    })),
  )
  if (holders.some((one) => one.isLate)) throw new ClaimLost('somebody else has answers to the same work')
}

/** Whether this push token, as it belongs now, is meant. */
export function isIn(audience: Audience, { userId }: Device): boolean {
  if (audience.except?.includes(userId)) return false
  return 'users' in audience ? audience.users.includes(userId) : true
}
