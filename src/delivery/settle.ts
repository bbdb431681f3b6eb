/**
 * Writing down what Expo answered. An answer stays in memory until it is saved: a lost database connection repeats
 * the save, never the request.
 */
import { maskPushToken } from '../domain/push-token.ts'
import type { TokenFate } from '../domain/verdict.ts'
import type { Clock, Emit } from '../ports.ts'
import { isDatabaseAway } from '../store/away.ts'
import type { Db } from '../store/db.ts'
import { insertRefusals, type Refusal, type Settled, settleDeliveries } from '../store/deliveries.ts'
import { retireTokens, suspendTokens } from '../store/token-fates.ts'
import { groupCommit } from './group-commit.ts'

export interface Refused extends Omit<Refusal, 'deliveryId'> {
  fate: TokenFate
}

export interface Settlement {
  settled: Settled
  refused: Refused[]
}

/** A settle carries about 6 KB a delivery: this many are a statement of a quarter of a megabyte. */
const MOST_TOGETHER = 40
const SAVE_AGAIN_MS = 250

export function openSettling(db: Db, clock: Clock, emit: Emit): (one: Settlement) => Promise<void> {
  return groupCommit(async (group) => {
    await untilSaved(clock, emit, () => save(db, emit, group))
    return group.map(() => undefined)
  }, MOST_TOGETHER)
}

async function save(db: Db, emit: Emit, group: Settlement[]): Promise<void> {
  const settled = group.map((one) => one.settled)
  if (group.every((one) => one.refused.length === 0)) {
    await settleDeliveries(db, settled)
    return
  }
  await db.transaction(async (tx) => {
    const rowIds = await settleDeliveries(tx, settled)
    const refused = group.flatMap((one, index) =>
      one.refused.map((refusal) => ({ ...refusal, deliveryId: rowIds[index] ?? one.settled.id })),
    )
    await writeRefused(tx, emit, refused)
  })
}

/** Refusals into the ledger, and their consequences for the push tokens; inside the transaction that settles. */
export async function writeRefused(tx: Db, emit: Emit, refused: (Refused & { deliveryId: number })[]): Promise<void> {
  await insertRefusals(tx, refused)
  const judged = (fate: TokenFate) =>
    refused.filter((one) => one.fate === fate).map((one) => ({ id: one.tokenId, deliveryId: one.deliveryId }))
  const stage = refused.some((one) => one.stage === 'receipt') ? 'receipt' : 'ticket'
  for (const token of await retireTokens(tx, judged('retire'))) {
    emit('token.retired', { pushToken: maskPushToken(token), stage })
  }
  const suspended = await suspendTokens(tx, judged('suspend'))
  if (suspended.length > 0) emit('tokens.suspended', { project: null, deviceType: null, count: suspended.length })
}

/** Only a database that is away is waited for; any other error is a bug, and the queue puts the work off. */
export async function untilSaved<T>(clock: Clock, emit: Emit, save: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await save()
    } catch (error) {
      if (!isDatabaseAway(error)) throw error
      emit('database.error', { error: (error as Error).message })
      await clock.wait(SAVE_AGAIN_MS)
    }
  }
}
