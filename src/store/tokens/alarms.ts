/**
 * What a person has to decide, or to mend: a flood of `DeviceNotRegistered` (`flood.ts`), or refused credentials, which suspend
 * tokens until a probe gets through.
 */
import { sql } from 'kysely'
import type { Db } from '../database/db.ts'
import { type Actor, audit } from '../operator/audit.ts'
import type { AlarmKind } from '../schema/tables.ts'

export interface Alarm {
  id: number
  kind: AlarmKind
  project: string
  device_type: string
  detail: object
  raised_at: Date
  resolved_at: Date | null
  resolved_by: string | null
}

/** One real notification to a suspended token in this time; nothing is ever invented for it. */
const PROBE_EVERY_MINUTES = 10
/** Devices in one statement: a whole platform at once would take longer than a statement may. */
export const DEVICES_AT_ONCE = 5_000

export async function listAlarms(db: Db, which: { open?: boolean } = {}): Promise<Alarm[]> {
  return db.kysely
    .selectFrom('alarms')
    .select(['id', 'kind', 'project', 'device_type', 'detail', 'raised_at', 'resolved_at', 'resolved_by'])
    .$if(which.open !== undefined, (query) => query.where('resolved_at', which.open ? 'is' : 'is not', null))
    .orderBy('id', 'desc')
    .limit(200)
    .execute()
}

/** Whom the audit log names: alarms end by the operator, or by what the program has seen itself. */
export const actorOf = (by: string): Actor => (by === 'operator' ? by : 'system')

/** @returns whether there was such an open alarm. */
export async function resolveAlarm(tx: Db, id: number, kind: AlarmKind, by: string): Promise<boolean> {
  const [alarm] = await tx.rows<{ project: string }>(sql`
    update ${tx.t.alarms} set resolved_at = ${tx.now}, resolved_by = ${by}
    where id = ${id} and kind = ${kind} and resolved_at is null returning project`)
  // The hour starts anew: what has been decided must not trip again.
  if (alarm && kind === 'flood') await tx.kysely.deleteFrom('answers').where('project', '=', alarm.project).execute()
  return alarm !== undefined
}

export interface Credentials {
  /** Empty: not known. */
  project: string
  deviceType: string
}

/** The refusal itself was as good as a probe: the next one waits. */
export async function raiseCredentialsAlarms(tx: Db, refused: Credentials[]): Promise<void> {
  if (refused.length === 0) return
  await sql`
    insert into ${tx.t.alarms} (kind, project, device_type, probed_at)
    select distinct 'credentials', r.project, r.device_type, ${tx.now}
    from unnest(${refused.map((one) => one.project)}::text[], ${refused.map((one) => one.deviceType)}::text[]) as r (project, device_type)
    on conflict do nothing`.execute(tx.kysely)
}

/** @returns whether a notification to one of these suspended tokens may be sent now, to see if it gets through. */
export async function claimCredentialsProbe(db: Db, { project, deviceType }: Credentials): Promise<boolean> {
  const rows = await db.rows(sql`
    update ${db.t.alarms} set probed_at = ${db.now}
    where kind = 'credentials' and project = ${project} and device_type = ${deviceType} and resolved_at is null
      and probed_at <= ${db.now} - make_interval(mins => ${PROBE_EVERY_MINUTES})
    returning id`)
  return rows.length > 0
}

/**
 * Receipts that are ok, of tokens that were sent to after they had been suspended: their credentials work again. Where none are
 * refused nothing is looked up: every good receipt there is comes this way.
 */
export async function findMended(
  tx: Db,
  handedOver: { tokenId: number; deliveryId: number }[],
): Promise<Credentials[]> {
  if (handedOver.length === 0) return []
  return tx.rows<Credentials>(sql`
    select distinct coalesce(p.project, '') as project, coalesce(p.device_type, '') as "deviceType"
    from unnest(${handedOver.map((one) => one.tokenId)}::bigint[], ${handedOver.map((one) => one.deliveryId)}::bigint[]) as h (token_id, delivery_id)
    join ${tx.t.push_tokens} p on p.id = h.token_id and p.inactive_reason = 'InvalidCredentials'
    join ${tx.t.deliveries} d on d.id = h.delivery_id and d.sent_at > p.inactive_at
    where exists (select from ${tx.t.alarms} where kind = 'credentials' and resolved_at is null)`)
}

/**
 * All that were suspended for this project and platform come back. The alarm ends last, and goes on when somebody was suspended
 * meanwhile: without an alarm there is no probe. @returns how many.
 */
export async function restoreSuspended(db: Db, credentials: Credentials, by: string): Promise<number> {
  const { project, deviceType } = credentials
  const [start] = await db.rows<{ at: string }>(sql`select ${db.now}::text as at`)
  let devices = 0
  for (;;) {
    const { length } = await db.rows(restoreSome(db, credentials, start?.at as string))
    devices += length
    if (length === 0) break
  }
  await db.transaction(async (tx) => {
    const [alarm] = await tx.rows<{ id: number }>(sql`
      update ${tx.t.alarms} set resolved_at = ${tx.now}, resolved_by = ${by}
      where kind = 'credentials' and project = ${project} and device_type = ${deviceType} and resolved_at is null
        and not exists (select from ${tx.t.push_tokens} where ${areSuspended(credentials)})
      returning id`)
    if (alarm || devices > 0)
      await audit(tx, {
        actor: actorOf(by),
        action: 'suspended.restore',
        subject: alarm ? `alarm:${alarm.id}` : `project:${project}`,
        detail: { by, project, device_type: deviceType, devices },
      })
  })
  return devices
}

/** @param until what is suspended after this time stays so. */
function restoreSome(db: Db, credentials: Credentials, until: string) {
  const isMeant = sql`${areSuspended(credentials)} and inactive_at <= ${until}::timestamptz`
  return sql`
    with back as (
      update ${db.t.push_tokens} set active = true, inactive_reason = null, inactive_at = null
      where id in (select id from ${db.t.push_tokens} where ${isMeant} limit ${DEVICES_AT_ONCE}::int) and ${isMeant}
      returning id, user_id)
    insert into ${db.t.token_events} (push_token_id, kind, user_id, detail)
    select id, 'restored', user_id, 'credentials' from back returning id`
}

const areSuspended = ({ project, deviceType }: Credentials) => sql`
  inactive_reason = 'InvalidCredentials' and inactive_at is not null
    and coalesce(project, '') = ${project} and coalesce(device_type, '') = ${deviceType}`
