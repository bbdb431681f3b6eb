/**
 * One person goes, for good. What is theirs is deleted; what the books need stays as numbers that lead back to nobody.
 * docs/privacy.md says what stays and why. Doing it twice, or again after it was cut off, does no harm.
 */
import { sql } from 'kysely'
import type { Db } from '../database/db.ts'
import { type Stretch, stretches } from '../database/stretches.ts'
import { cancelAll } from '../notifications/control.ts'
import { type Actor, audit } from '../operator/audit.ts'

export interface Erased {
  push_tokens: number
  token_events: number
  posts: number
  messages: number
  /** Emptied, or no longer naming them. */
  notifications: number
  idempotency: number
  audit: number
}

/** As the audit log calls them from then on. */
const NOBODY = 'erased'

/** @returns undefined: nothing is known of them. */
export async function eraseUser(db: Db, id: string, by: Actor): Promise<Erased | undefined> {
  const newest = await blankQuotes(db, id)
  const person = await db.transaction(async (tx) => {
    const gone = await erasePerson(tx, id, newest)
    if (Object.values(gone).some((count) => count > 0)) await record(tx, by, gone)
    return gone
  })
  // After the person, so that nothing of theirs can be added any more; a stretch at a time.
  let notifications = 0
  for await (const stretch of stretches(db, db.t.notifications)) notifications += await forgetIn(db, id, stretch)
  if (notifications === 0 && Object.values(person).every((count) => count === 0)) return undefined
  if (Object.values(person).every((count) => count === 0)) await record(db, by, { notifications })
  return { ...person, notifications }
}

/** What somebody wanted to write found its user gone: another request, or another process, erased them meanwhile. */
export function isOfErasedUser(error: unknown): boolean {
  const { code, constraint = '' } = error as { code?: string; constraint?: string }
  return code === '23503' && /_(user|sender|receiver)_id_fkey$/.test(constraint)
}

async function record(tx: Db, actor: Actor, detail: Record<string, number>): Promise<void> {
  await audit(tx, { actor, action: 'user.erase', subject: NOBODY, detail })
}

type Person = Omit<Erased, 'notifications'> & { users: number }

async function erasePerson(tx: Db, id: string, newest: number): Promise<Person> {
  const [user] = await tx.rows(sql`select id from ${tx.t.users} where id = ${id} for update`)
  const tokens = await tx.rows<Token>(sql`
    select id, token from ${tx.t.push_tokens} where user_id = ${id} for update`)
  const tokenIds = tokens.map((one) => one.id)
  await blankRefusals(tx, tokens, newest)
  const token_events = await eraseHistory(tx, id, tokenIds)
  const posts = await tx.rows(sql`delete from ${tx.t.posts} where user_id = ${id} returning id`)
  const messages = await tx.rows(sql`
    delete from ${tx.t.messages} where sender_id = ${id} or receiver_id = ${id} returning id`)
  const idempotency = await eraseAnswers(tx, id)
  const told = await tx.rows(sql`
    update ${tx.t.audit} set detail = detail - 'push_token',
      actor = case when actor = ${`user:${id}`} then ${NOBODY} else actor end,
      subject = case when subject = ${`user:${id}`} then ${NOBODY} else subject end
    where actor = ${`user:${id}`} or subject = ${`user:${id}`} returning id`)
  // Takes devices, topics, mutes and what they opened along.
  await tx.kysely.deleteFrom('users').where('id', '=', id).execute()
  return {
    users: user === undefined ? 0 : 1,
    push_tokens: tokens.length,
    token_events,
    posts: posts.length,
    messages: messages.length,
    idempotency,
    audit: told.length,
  }
}

interface Token {
  id: number
  token: string
}

/**
 * Expo's sentences quote the push token they speak of; those about a whole request quote others' as well. Before the
 * person, while it is known which push tokens are theirs: cut off, it can begin again.
 * @returns the last refusal that was looked at.
 */
async function blankQuotes(db: Db, id: string): Promise<number> {
  const [last] = await db.rows<{ id: number }>(sql`select id from ${db.t.refusals} order by id desc limit 1`)
  const tokens = await db.rows<Token>(sql`select id, token from ${db.t.push_tokens} where user_id = ${id}`)
  if (tokens.length > 0)
    for await (const stretch of stretches(db, db.t.refusals, { length: REFUSALS_AT_ONCE }))
      await sql`update ${db.t.refusals} set message = '' where ${stretch} and ${quotes('message', tokens)}`.execute(
        db.kysely,
      )
  return last?.id ?? 0
}

const REFUSALS_AT_ONCE = 20_000

const quotes = (column: string, tokens: Token[]) => sql`exists (
  select from unnest(${tokens.map((one) => one.token)}::text[]) as gone (token)
  where strpos(${sql.ref(column)}, gone.token) > 0)`

/** @param newest refusals up to this one have been searched for quotes. */
async function blankRefusals(tx: Db, tokens: Token[], newest: number): Promise<void> {
  if (tokens.length === 0) return
  await sql`
    update ${tx.t.refusals} set message = ''
    where push_token_id = any(${tokens.map((one) => one.id)}::bigint[]) and message <> ''`.execute(tx.kysely)
  await sql`update ${tx.t.refusals} set message = '' where id > ${newest} and ${quotes('message', tokens)}`.execute(
    tx.kysely,
  )
  await sql`update ${tx.t.pace} set breaker_reason = '' where ${quotes('breaker_reason', tokens)}`.execute(tx.kysely)
  await sql`
    update ${tx.t.notifications} set postponed = ''
    where state in ('queued', 'sending', 'paused') and ${quotes('postponed', tokens)}`.execute(tx.kysely)
}

/** Of a device that has moved on to somebody else, the history stays, without them. */
async function eraseHistory(tx: Db, id: string, tokenIds: number[]): Promise<number> {
  const gone = await tx.rows(sql`
    delete from ${tx.t.token_events} where push_token_id = any(${tokenIds}::bigint[]) returning id`)
  const changed = await tx.rows(sql`
    update ${tx.t.token_events} set user_id = nullif(user_id, ${id}), from_user_id = nullif(from_user_id, ${id})
    where user_id = ${id} or from_user_id = ${id} returning id`)
  return gone.length + changed.length
}

/**
 * Their own requests, also those that a backend made for them; and in the first answers to others, who sent them
 * something. The others' key stays known: it is not sent again.
 */
async function eraseAnswers(tx: Db, id: string): Promise<number> {
  const own = await tx.rows(sql`
    delete from ${tx.t.idempotency} where caller = ${`user ${id}`} or caller in (
      select 'server ' || id || ${` for ${id}`}::text from ${tx.t.server_keys})
    returning key`)
  const others = await tx.rows(sql`
    update ${tx.t.idempotency} set answer = '{"success": true}', body_hash = ''
    where ${id} in (answer -> 'message' ->> 'sender_id', answer -> 'message' ->> 'receiver_id', answer -> 'post' ->> 'user_id')
    returning key`)
  return own.length + others.length
}

/** Whether the content holds their id. Posts and messages may be counted as users are: what names one of those names nobody. */
const names = (
  id: string,
) => sql`jsonb_path_exists(content #- '{data,post_id}' #- '{data,message_id}', '$.** ? (@ == $id)',
  jsonb_build_object('id', ${id}::text))`

/** What they said, and what was said to them alone, is emptied, and not sent any more; from other lists they vanish. */
async function forgetIn(db: Db, id: string, stretch: Stretch): Promise<number> {
  const named = await db.rows<{ id: string; theirs: boolean }>(sql`
    select id, (created_by = ${id} and kind <> 'notify')
      or coalesce((audience -> 'users') - ${id}::text = '[]', false) as theirs
    from ${db.t.notifications}
    where ${stretch} and (
      (created_by = ${id} and kind <> 'notify') or audience -> 'users' ? ${id}::text or audience -> 'except' ? ${id}::text
      or ${names(id)})`)
  if (named.length === 0) return 0
  const theirs = named.filter((one) => one.theirs).map((one) => one.id)
  const without = (list: string) => sql`case when audience ? ${list}::text
    then jsonb_build_object(${list}::text, (audience -> ${list}::text) - ${id}::text) else '{}' end`
  await db.transaction(async (tx) => {
    await cancelAll(tx, theirs)
    await sql`
      update ${tx.t.notifications} set
        audience = audience || ${without('users')} || ${without('except')},
        created_by = case when kind <> 'notify' then nullif(created_by, ${id}) else created_by end,
        content = case when id = any(${theirs}::uuid[]) then '{}'
          when ${names(id)} then content - 'data'
          else content end
      where id = any(${named.map((one) => one.id)}::uuid[])`.execute(tx.kysely)
  })
  return named.length
}
