/** Rows of their `push_tokens`: an insert registers, an update changes, a delete unregisters. */
import type { Platform } from '../../domain/platform.ts'
import { isPushToken } from '../../domain/push-token.ts'
import type { Db } from '../../store/database/db.ts'
import { ensureUser } from '../../store/people/users.ts'
import { type Registered, registerPushToken } from '../../store/tokens/push-tokens.ts'
import { holdRow, onceForRow, passInsert, type SourceEvent, takeOffSource } from '../../store/tokens/source-rows.ts'
import { activeOf } from '../http/cells.ts'
import { bodyOf, Fault } from '../http/faults.ts'
import { nameOfRow, needed, neededId, type Row, textIn, unfit, type Webhook, writtenAt } from './webhook.ts'

/** What a webhook did, in its answer. */
export interface Done {
  success: true
  done: 'notified' | 'registered' | 'unregistered' | 'nothing'
  why?: string
  notification_id?: string
}

export const nothing = (why: string): Done => ({ success: true, done: 'nothing', why })

export async function onPushToken(db: Db, hook: Webhook): Promise<Done> {
  // Some write the row that is gone into the one field, some into the other.
  const held = hook.type === 'DELETE' ? (hook.old_record ?? hook.record) : hook.record
  if (!held) throw unfit('it is not there')
  const before = heldBefore(hook)
  const [token, why] = before ? tokenAfter(held, before) : [tokenOf(held)]
  const name = nameOfRow(hook, held, true)
  const work = async (tx: Db): Promise<Done> => {
    const { isGone } = name === undefined ? { isGone: false } : await holdRow(tx, name)
    if (hook.type === 'DELETE') return takeOff(tx, [token])
    return isGone ? nothing('The row has been deleted since.') : apply(tx, before, token)
  }
  return { ...(await run(db, hook.type, name, work)), ...(why !== undefined && { why }) }
}

async function run(
  db: Db,
  event: SourceEvent,
  name: string | undefined,
  work: (tx: Db) => Promise<Done>,
): Promise<Done> {
  if (name === undefined) return db.transaction(work)
  if (event !== 'UPDATE') return onceForRow(db, name, event, work)
  // Of a row that changes to and fro each change counts, also one that looks like an earlier one.
  return db.transaction(async (tx) => {
    await passInsert(tx, name, nothing('The row has been changed since.'))
    return work(tx)
  })
}

interface Held {
  userId: string
  token: string
  writtenAt: string | null
}

interface Token extends Held {
  deviceType: Platform | null
  active: boolean
}

/**
 * What a changed row holds now. When that is nobody's, or cannot be used, it is no longer what the row held before.
 * @returns also why it cannot be used: Supabase tells it once, and a refusal would leave the phone with its old owner.
 */
function tokenAfter(held: Row, before: Held): [Token, why?: string] {
  const left = { ...before, active: false, deviceType: null }
  if (isNobodys(held)) return [left]
  try {
    return [tokenOf(held)]
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return [left, `What the row holds now cannot be used: ${bodyOf(error.code, error.details).error}.`]
  }
}

function tokenOf(held: Row): Token {
  const token = needed(held, 'token')
  if (!isPushToken(token)) throw new Fault('token_malformed')
  const said = textIn(held, 'deviceType').toLowerCase()
  return {
    userId: neededId(held, 'user'),
    token,
    deviceType: said === 'ios' || said === 'android' ? said : null,
    active: activeOf(textIn(held, 'active')) ?? true,
    writtenAt: writtenAt(held),
  }
}

/** What a changed row held until then, as of the change. Where nothing is said of a user, it is still the same. */
function heldBefore({ type, record, old_record: old }: Webhook): Held | null {
  if (type !== 'UPDATE' || !old || !record) return null
  const [token, userId] = [textIn(old, 'token'), textIn(old, 'user') || textIn(record, 'user')]
  return isPushToken(token) && userId !== '' ? { token, userId, writtenAt: writtenAt(record) } : null
}

/** Some log a phone out by emptying its row. */
const isNobodys = (held: Row) => textIn(held, 'user') === '' || textIn(held, 'token') === ''

async function apply(tx: Db, before: Held | null, token: Token): Promise<Done> {
  // A registration takes the token from whoever has it; a log-out names its user.
  const isLeft = before && (before.token !== token.token || (!token.active && before.userId !== token.userId))
  const left = isLeft ? [before] : []
  if (!token.active) return takeOff(tx, [...left, token])
  await takeOff(tx, left)
  await ensureUser(tx, { id: token.userId, name: null })
  const registered = await registerPushToken(tx, {
    userId: token.userId,
    token: token.token,
    deviceType: token.deviceType,
    // Their database has judged whose it is.
    movesPerDay: null,
    by: 'supabase',
    sourceAt: token.writtenAt,
  })
  return answers[registered] ?? { success: true, done: 'registered' }
}

const answers: Partial<Record<Registered, Done>> = {
  outdated: nothing('The push token has been registered again since this row was written.'),
}

async function takeOff(tx: Db, tokens: Held[]): Promise<Done> {
  let count = 0
  for (const token of tokens) count += await takeOffSource(tx, token)
  if (count > 0) return { success: true, done: 'unregistered' }
  return nothing('This user has no such push token here, or registered it again since this row was written.')
}
