/** Rows of their `push_tokens`: an insert registers, an update changes, a delete unregisters. */
import type { Platform } from '../../domain/platform.ts'
import { isPushToken } from '../../domain/push-token.ts'
import type { Db } from '../../store/database/db.ts'
import { ensureUser } from '../../store/people/users.ts'
import { type Registered, registerPushToken } from '../../store/tokens/push-tokens.ts'
import { holdRow, onceForRow, passInsert, type SourceEvent, takeOffSource } from '../../store/tokens/source-rows.ts'
import { activeOf } from '../http/cells.ts'
import { Fault } from '../http/faults.ts'
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
  const token = tokenOf(held)
  const name = nameOfRow(hook, held, true)
  const work = async (tx: Db): Promise<Done> => {
    const { isGone } = name === undefined ? { isGone: false } : await holdRow(tx, name)
    if (hook.type === 'DELETE') return takeOff(tx, token)
    return isGone ? nothing('The row has been deleted since.') : apply(tx, hook, token)
  }
  return run(db, hook.type, name, work)
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

interface Token {
  userId: string
  token: string
  deviceType: Platform | null
  active: boolean
  writtenAt: string | null
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

async function apply(tx: Db, { type, old_record: old }: Webhook, token: Token): Promise<Done> {
  const before = type === 'UPDATE' && old ? textIn(old, 'token') : ''
  if (before !== '' && before !== token.token && isPushToken(before))
    await takeOffSource(tx, { ...token, token: before, userId: textIn(old!, 'user') || token.userId })
  if (!token.active) return takeOff(tx, token)
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

async function takeOff(tx: Db, token: Token): Promise<Done> {
  const count = await takeOffSource(tx, token)
  if (count > 0) return { success: true, done: 'unregistered' }
  return nothing('This user has no such push token here, or registered it again since this row was written.')
}
