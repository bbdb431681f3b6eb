/** Keys of other backends. A key itself is never here, only its hash: who reads the database holds none. */
import { sql } from 'kysely'
import type { Scope } from '../../domain/scope.ts'
import type { Db } from '../database/db.ts'

export interface ServerKeyRow {
  id: string
  name: string
  /** How its secret begins: enough to tell two apart, too little to use one. */
  prefix: string
  scopes: Scope[]
  created_at: Date
  last_used_at: Date | null
  expires_at: Date | null
  revoked_at: Date | null
}

/** What is kept of a secret. */
export interface Hashed {
  hash: Buffer
  prefix: string
}

const columns = sql`id, name, prefix, scopes, created_at, last_used_at, expires_at, revoked_at`

export interface NewServerKey extends Hashed {
  id: string
  name: string
  scopes: Scope[]
  expiresAt: Date | null
}

export async function insertServerKey(tx: Db, key: NewServerKey): Promise<ServerKeyRow> {
  const [row] = await tx.rows<ServerKeyRow>(sql`
    insert into ${tx.t.server_keys} (id, name, prefix, hash, scopes, expires_at)
    values (${key.id}, ${key.name}, ${key.prefix}, ${key.hash}, ${key.scopes}::text[], ${key.expiresAt}::timestamptz)
    returning ${columns}`)
  return row!
}

const MOST_LISTED = 500

/** Those that can be used come first, then the newest. */
export async function listServerKeys(db: Db): Promise<ServerKeyRow[]> {
  return db.rows<ServerKeyRow>(sql`
    select ${columns} from ${db.t.server_keys}
    order by revoked_at is not null, created_at desc, id desc limit ${MOST_LISTED}::int`)
}

/**
 * The key gets a new secret, and stays who it was. The old secret holds for `graceSeconds` more; one that was still held from the
 * time before ends now. Where nobody has shown the one between, it was lost on its way, and callers go on with the one before: then
 * that one holds.
 * @returns 'ended' when it was revoked or has expired: nothing brings it back.
 */
export async function renewServerKey(
  tx: Db,
  id: string,
  { hash, prefix, graceSeconds }: Hashed & { graceSeconds: number },
): Promise<ServerKeyRow | 'ended' | undefined> {
  const [known] = await tx.rows<{ live: boolean }>(sql`
    select revoked_at is null and coalesce(expires_at > ${tx.now}, true) as live
    from ${tx.t.server_keys} where id = ${id} for update`)
  if (known === undefined) return undefined
  if (!known.live) return 'ended'
  const [row] = await tx.rows<ServerKeyRow>(sql`
    update ${tx.t.server_keys} set
      old_hash = case when ${graceSeconds}::int > 0 then
        case when not is_shown and old_until > ${tx.now} then old_hash else hash end end,
      old_until = case when ${graceSeconds}::int > 0 then ${tx.now} + make_interval(secs => ${graceSeconds}::int) end,
      hash = ${hash}, prefix = ${prefix}, is_shown = false
    where id = ${id} returning ${columns}`)
  return row!
}

/** Revoking twice is no error. @returns undefined: there is none. */
export async function revokeServerKey(tx: Db, id: string): Promise<{ wasLive: boolean } | undefined> {
  const revoked = await tx.rows(sql`
    update ${tx.t.server_keys} set revoked_at = ${tx.now}, old_hash = null, old_until = null
    where id = ${id} and revoked_at is null returning id`)
  if (revoked.length > 0) return { wasLive: true }
  const known = await tx.rows(sql`select id from ${tx.t.server_keys} where id = ${id}`)
  return known.length > 0 ? { wasLive: false } : undefined
}

export interface KnownServerKey {
  id: string
  scopes: Scope[]
  /** Of the secret by which it was found. */
  hash: Buffer
}

/** Who holds this secret now, and may use it; that it was used is written down once a minute, and of a new secret at once. */
export async function findServerKey(db: Db, hash: Buffer): Promise<KnownServerKey | undefined> {
  const [row] = await db.rows<KnownServerKey & { hash: Uint8Array }>(sql`
    with known as (
      select id, scopes, case when hash = ${hash} then hash else old_hash end as hash
      from ${db.t.server_keys}
      where (hash = ${hash} or (old_hash = ${hash} and old_until > ${db.now}))
        and revoked_at is null and coalesce(expires_at > ${db.now}, true)),
    used as (
      update ${db.t.server_keys} k set last_used_at = ${db.now}, is_shown = k.is_shown or k.hash = ${hash} from known
      where k.id = known.id and (coalesce(k.last_used_at < ${db.now} - interval '1 minute', true)
        or (k.hash = ${hash} and not k.is_shown)))
    select id, scopes, hash from known`)
  return row && { ...row, hash: Buffer.from(row.hash) }
}
