/** All that is known about one user and one notification: what `explain` puts into words. */
import { sql } from 'kysely'
import { resultName } from '../../domain/answers/result.ts'
import type { DeviceFacts, ExplainFacts } from '../../domain/explain/explain-facts.ts'
import type { Db } from '../database/db.ts'
import { chunkOf } from '../ledger/ledger.ts'
import { attemptsAt } from '../ledger/plan.ts'
import { ticketIdAt } from '../ledger/ticket-ids.ts'
import { findUser } from '../people/users.ts'
import { findNotification } from './notifications.ts'
import { type DeviceEvent, deviceHistory } from './people.ts'

/** Undefined: there is no such notification. */
export async function explainFacts(db: Db, userId: string, notificationId: string): Promise<ExplainFacts | undefined> {
  const notification = await findNotification(db, notificationId)
  if (!notification) return undefined
  const { audience } = notification
  const user = await findUser(db, userId)
  const [wishes] = await db.rows<{
    muted: boolean
    subscribed: boolean
    opened_at: Date | null
    max_token_id: number
  }>(sql`
    select exists (select from ${db.t.mutes} where user_id = ${userId} and kind = ${notification.kind}) as muted,
      exists (select from ${db.t.subscriptions}
        where user_id = ${userId} and topic = ${'topic' in audience ? audience.topic : ''}) as subscribed,
      (select at from ${db.t.opens} where notification_id = ${notificationId} and user_id = ${userId}) as opened_at,
      (select max_token_id from ${db.t.notifications} where id = ${notificationId}) as max_token_id`)
  const devices = await devicesOf(db, { userId, notificationId, maxTokenId: wishes?.max_token_id ?? 0 })
  return {
    userId,
    name: user?.name ?? null,
    known: user !== undefined,
    muted: wishes?.muted ?? false,
    subscribed: wishes?.subscribed ?? false,
    openedAt: wishes?.opened_at ?? null,
    notification,
    devices,
  }
}

interface Row {
  id: number
  push_token: string
  device_type: DeviceFacts['deviceType']
  user_id: string
  active: boolean
  inactive_reason: string | null
  inactive_at: Date | null
  created_at: Date
}

/** Their devices, and those that have moved on to somebody else since. */
async function devicesOf(
  db: Db,
  of: { userId: string; notificationId: string; maxTokenId: number },
): Promise<DeviceFacts[]> {
  const rows = await db.rows<Row>(sql`
    select id, token as push_token, device_type, user_id, active, inactive_reason, inactive_at, created_at
    from ${db.t.push_tokens} where id = any(array(
      select id from ${db.t.push_tokens} where user_id = ${of.userId}
      union select push_token_id from ${db.t.token_events} where from_user_id = ${of.userId}))
    order by id limit 200`)
  const ids = rows.map((row) => row.id)
  const history = Map.groupBy(await deviceHistory(db, of.userId, ids), (event) => event.push_token_id)
  const deliveries = Map.groupBy(await deliveriesOf(db, of.notificationId, ids), (one) => one.tokenId)
  const refusals = Map.groupBy(await refusalsOf(db, of.notificationId, ids), (one) => one.tokenId)
  return rows.map((row) => ({
    pushToken: row.push_token,
    deviceType: row.device_type,
    ownedBy: row.user_id,
    active: row.active,
    inactiveReason: row.inactive_reason,
    inactiveAt: row.inactive_at,
    createdAt: row.created_at,
    registeredLater: row.id > of.maxTokenId,
    history: (history.get(row.id) ?? []).map(({ at, kind, user_id, from_user_id, detail }: DeviceEvent) => {
      return { at, kind, userId: user_id, fromUserId: from_user_id, detail }
    }),
    deliveries: deliveries.get(row.id) ?? [],
    refusals: refusals.get(row.id) ?? [],
  }))
}

type DeliveryFact = DeviceFacts['deliveries'][number] & { tokenId: number }

async function deliveriesOf(db: Db, notificationId: string, ids: number[]): Promise<DeliveryFact[]> {
  const rows = await db.rows<Omit<DeliveryFact, 'result'> & { result: number }>(sql`
    select t.id as "tokenId", d.state, case when d.late then 1 else ${attemptsAt(sql`d.attempt`)} end as attempt, d.ambiguous, d.deaths, d.late, d.skip_reason as "skipReason",
      d.sent_at as "sentAt", d.settled_at as "settledAt", d.recipients,
      coalesce(d.results[array_position(d.token_ids, t.id)], 0) as result,
      ${ticketIdAt(sql`array_position(d.token_ids, t.id)`)} as "ticketId"
    from unnest(${ids}::bigint[]) as t (id) join ${db.t.deliveries} d
      on d.notification_id = ${notificationId} and d.chunk = ${chunkOf(db, sql`${notificationId}`, sql`t.id`)}
      and t.id = any(d.token_ids)
    order by d.id`)
  return rows.map((row) => ({ ...row, result: resultName(row.result) }))
}

async function refusalsOf(
  db: Db,
  notificationId: string,
  ids: number[],
): Promise<(DeviceFacts['refusals'][number] & { tokenId: number })[]> {
  return db.rows(sql`
    select push_token_id as "tokenId", stage, code, message, at from ${db.t.refusals}
    where push_token_id = any(${ids}::bigint[]) and notification_id = ${notificationId} order by id`)
}
