/**
 * One row is one installation of the app; it belongs to at most one user at a time. A token that another user
 * registers moves to them, an installation that registers a new token keeps its row.
 */
import { type Selectable, sql } from 'kysely'
import { all } from '../../domain/all.ts'
import type { Platform } from '../../domain/platform.ts'
import { maskPushToken } from '../../domain/push-token.ts'
import type { Db } from '../database/db.ts'
import { type Actor, audit } from '../operator/audit.ts'
import type { InactiveReason, Tables, TokenEvent } from '../schema/tables.ts'

export type PushTokenRow = Omit<Selectable<Tables['push_tokens']>, 'user_id' | 'source_at'>

export interface Registration {
  userId: string
  token: string
  /** Null, where another database does not say it: what is known stays. */
  deviceType: Platform | null
  installationId?: string
  project?: string
  locale?: string
  timeZone?: string
  appVersion?: string
  /** How often one token may change hands in a day; null: as often as it likes. */
  movesPerDay: number | null
  /** Who asks, when it is not the user. */
  by?: Actor
  /** When another database wrote it, where it comes from one: it does not undo what is newer. Null: it does not say. */
  sourceAt?: string | null
}

export type Registered =
  | 'new'
  | 'unchanged'
  | 'changed'
  | 'moved'
  | 'revived'
  | 'rotated'
  | 'moved_too_often'
  | 'outdated'

/** Two phones registering the same new token at once: one of them finds it there at the second look. */
const LOOKS = 3

export async function registerPushToken(db: Db, registration: Registration): Promise<Registered> {
  if (registration.sourceAt === undefined && (await touchUnchanged(db, registration))) return 'unchanged'
  for (let look = 0; look < LOOKS; look++) {
    const registered = await db.transaction((tx) => registerIn(tx, registration))
    if (registered) return registered
  }
  throw new Error('a push token was registered and removed by others three times while it was being registered')
}

/** The common case, one statement: nothing is new but the time, which the pruning of dead tokens compares with. */
async function touchUnchanged(db: Db, r: Registration): Promise<boolean> {
  const touched = await db.rows(sql`
    update ${db.t.push_tokens} set updated_at = ${db.now}, source_at = null
    where token = ${r.token} and user_id = ${r.userId} and active and device_type = ${r.deviceType}
      and (${r.installationId ?? null}::text is null or installation_id = ${r.installationId ?? null})
      and (${r.project ?? null}::text is null or project = ${r.project ?? null})
      and (${r.locale ?? null}::text is null or locale = ${r.locale ?? null})
      and (${r.timeZone ?? null}::text is null or time_zone = ${r.timeZone ?? null})
      and (${r.appVersion ?? null}::text is null or app_version = ${r.appVersion ?? null})
    returning id`)
  return touched.length > 0
}

interface Known {
  id: number
  user_id: string
  token: string
  installation_id: string | null
  active: boolean
  inactive_reason: InactiveReason | null
  is_newer: boolean
}

/** Undefined: somebody else inserted the same token meanwhile; look again. */
async function registerIn(tx: Db, r: Registration): Promise<Registered | undefined> {
  const [, known] = await all([lockInstallation(tx, r), findKnown(tx, r)])
  const same = known.find((row) => row.token === r.token)
  const replaced = known.filter((row) => row.token !== r.token)
  if (same?.is_newer) return 'outdated'
  if (same) {
    const moved = same.user_id !== r.userId
    const isTaken = moved && same.inactive_reason !== 'logged_out'
    if (isTaken && r.movesPerDay !== null && (await takenToday(tx, same.id)) >= r.movesPerDay) return 'moved_too_often'
    await supersede(tx, replaced)
    await writeRow(tx, same.id, r)
    const outcome = moved ? 'moved' : same.active ? 'changed' : 'revived'
    if (outcome !== 'changed')
      await record(tx, same.id, outcome, r.userId, moved ? same.user_id : null, same.inactive_reason)
    if (moved)
      await audit(tx, {
        actor: r.by ?? `user:${r.userId}`,
        action: 'push_token.move',
        subject: `user:${same.user_id}`,
        detail: { push_token: maskPushToken(r.token) },
      })
    return outcome
  }
  const [row, ...others] = replaced
  if (row) {
    await supersede(tx, others)
    await writeRow(tx, row.id, r)
    await record(tx, row.id, 'rotated', r.userId, null, null)
    return 'rotated'
  }
  return insertRow(tx, r)
}

/** An app that tells two new tokens at once: the second waits, and finds what the first has written. */
async function lockInstallation(tx: Db, { userId, installationId }: Registration): Promise<void> {
  if (installationId === undefined) return
  await tx.rows(sql`select pg_advisory_xact_lock(hashtextextended(${`${userId} ${installationId}`}, 0))`)
}

function findKnown(tx: Db, r: Registration): Promise<Known[]> {
  return tx.rows<Known>(sql`
    select id, user_id, token, installation_id, active, inactive_reason,
      coalesce(coalesce(source_at, updated_at) > ${r.sourceAt ?? null}::timestamptz, false) as is_newer
    from ${tx.t.push_tokens}
    where token = ${r.token} or (user_id = ${r.userId} and installation_id = ${r.installationId ?? null})
    order by id for update`)
}

async function insertRow(tx: Db, r: Registration): Promise<'new' | undefined> {
  const [row] = await tx.rows<{ id: number }>(sql`
    insert into ${tx.t.push_tokens}
      (user_id, token, device_type, installation_id, project, locale, time_zone, app_version, source_at)
    values (${r.userId}, ${r.token}, ${r.deviceType}, ${r.installationId ?? null}, ${r.project ?? null},
      ${r.locale ?? null}, ${r.timeZone ?? null}, ${r.appVersion ?? null}, ${r.sourceAt ?? null}::timestamptz)
    on conflict (token) do nothing returning id`)
  if (!row) return undefined
  await record(tx, row.id, 'registered', r.userId, null, null)
  return 'new'
}

/** What a registration does not say stays as it is. */
async function writeRow(tx: Db, id: number, r: Registration): Promise<void> {
  await sql`
    update ${tx.t.push_tokens} set
      user_id = ${r.userId}, token = ${r.token}, device_type = coalesce(${r.deviceType}, device_type),
      installation_id = coalesce(${r.installationId ?? null}, installation_id),
      project = coalesce(${r.project ?? null}, project), locale = coalesce(${r.locale ?? null}, locale),
      time_zone = coalesce(${r.timeZone ?? null}, time_zone), app_version = coalesce(${r.appVersion ?? null}, app_version),
      active = true, inactive_reason = null, inactive_at = null, updated_at = ${tx.now},
      source_at = ${r.sourceAt ?? null}::timestamptz
    where id = ${id}`.execute(tx.kysely)
}

/** The same installation under another token: that token is history, and must not ring the phone a second time. */
async function supersede(tx: Db, rows: Known[]): Promise<void> {
  if (rows.length === 0) return
  await sql`
    update ${tx.t.push_tokens} set active = false, inactive_reason = 'superseded', inactive_at = ${tx.now}, installation_id = null
    where id = any(${rows.map((row) => row.id)}::bigint[])`.execute(tx.kysely)
}

/** Without those that their owner had left by a log-out: a phone may be shared all day. */
async function takenToday(tx: Db, id: number): Promise<number> {
  const [row] = await tx.rows<{ moves: number }>(sql`
    select count(*) as moves from ${tx.t.token_events}
    where push_token_id = ${id} and kind = 'moved' and detail is distinct from 'logged_out'
      and at > ${tx.now} - interval '1 day'`)
  return row?.moves ?? 0
}

async function record(
  tx: Db,
  id: number,
  kind: TokenEvent,
  userId: string,
  fromUserId: string | null,
  detail: string | null,
): Promise<void> {
  await tx.kysely
    .insertInto('token_events')
    .values({ push_token_id: id, kind, user_id: userId, from_user_id: fromUserId, detail })
    .execute()
}

/** Log-out. @returns how many devices were taken off; 0 when it was gone already. */
export async function unregisterPushToken(
  db: Db,
  r: { userId: string; token?: string; installationId?: string },
): Promise<number> {
  const gone = await db.rows(sql`
    with gone as (
      update ${db.t.push_tokens} set active = false, inactive_reason = 'logged_out', inactive_at = ${db.now}
      where user_id = ${r.userId} and inactive_reason is distinct from 'logged_out'
        and (token = ${r.token ?? null} or installation_id = ${r.installationId ?? null})
      returning id, user_id)
    insert into ${db.t.token_events} (push_token_id, kind, user_id)
    select id, 'logged_out', user_id from gone returning id`)
  return gone.length
}

export async function listPushTokens(db: Db, userId: string): Promise<PushTokenRow[]> {
  return db.kysely
    .selectFrom('push_tokens')
    .select(['id', 'token', 'device_type', 'installation_id', 'project', 'locale', 'time_zone', 'app_version'])
    .select(['active', 'inactive_reason', 'inactive_at', 'created_at', 'updated_at'])
    .where('user_id', '=', userId)
    .where((eb) => eb.or([eb('active', '=', true), eb('inactive_reason', 'not in', ['logged_out', 'superseded'])]))
    .orderBy('id')
    .execute()
}
