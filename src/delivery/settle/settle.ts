/**
 * Writing down what Expo answered. An answer stays in memory until it is saved: a lost database connection repeats
 * the save, never the request.
 */

import type { TokenFate } from '../../domain/answers/verdict.ts'
import { failpoint } from '../../domain/failpoint.ts'
import { maskPushToken } from '../../domain/push-token.ts'
import type { Clock, Emit, Foreground } from '../../ports.ts'
import { isCollision, isDatabaseAway } from '../../store/database/away.ts'
import type { Db } from '../../store/database/db.ts'
import {
  beginDeliveries,
  type Held,
  type Holder,
  insertRefusals,
  type Refusal,
  type Settled,
  settleAndBegin,
  settleDeliveries,
} from '../../store/ledger/deliveries.ts'
import { countAnswers, tripFlood } from '../../store/tokens/flood.ts'
import { retireTokens, suspendTokens } from '../../store/tokens/token-fates.ts'
import { groupCommit } from './group-commit.ts'
import type { Take, Tally } from './tally.ts'

export interface Refused extends Omit<Refusal, 'deliveryId'> {
  fate: TokenFate
  pushToken?: string | undefined
}

export interface Settlement {
  settled: Settled
  refused: Refused[]
  project: string | null
}

/** A settle carries about 6 KB a delivery: this many are a statement of a quarter of a megabyte. */
const MOST_TOGETHER = 40
const SAVE_AGAIN_MS = 250

interface Parts {
  db: Db
  clock: Clock
  emit: Emit
  tally: Tally
  foreground?: Foreground | undefined
  receiptDelayMs: number
}

/** What is written down before a request, and after it. */
export interface Books {
  /** Saves the intent. @returns nothing when the delivery may not go on, or somebody else holds it. */
  begin(planned: Held): Promise<Held | undefined>
  settle(one: Settlement): Promise<void>
}

type Entry = { begin: Held } | { settlement: Settlement }

/** Intents and answers that come at the same time are one statement. */
export function openBooks(parts: Parts): Books {
  const enter = groupCommit(
    (entries: Entry[]) => write(parts, entries),
    MOST_TOGETHER,
    async () => parts.foreground?.clear(),
  )
  return {
    async begin({ id, attempt }) {
      const held = await enter({ begin: { id, attempt } })
      if (held instanceof Error) throw held
      return held
    },
    async settle(settlement) {
      await enter({ settlement })
    },
  }
}

type Written = Held | Error | undefined

/** An intent that cannot be saved is not begun; an answer is saved again and again until it is. */
async function write(parts: Parts, entries: Entry[]): Promise<Written[]> {
  const planned = entries.flatMap((entry) => ('begin' in entry ? entry.begin : []))
  const group = entries.flatMap((entry) => ('settlement' in entry ? entry.settlement : []))
  if (group.length === 0) return inOrder(entries, await beginDeliveries(parts.db, planned))
  for (const { project, settled } of group) parts.tally.add(project, settled.results.length)
  await failpoint('before_save')
  const begun = await settleAnd(parts, group, planned)
  await failpoint('after_save')
  return begun instanceof Error ? entries.map(() => begun) : inOrder(entries, begun)
}

/** One statement for both, unless refusals need a transaction. Whatever becomes of the intents, answers are saved, and counted once. */
async function settleAnd(parts: Parts, group: Settlement[], planned: Held[]): Promise<Held[] | Error> {
  if (isPlain(group) && planned.length > 0) {
    const begun = await settleAndBegin(parts.db, group.map(asSettled), planned, parts.receiptDelayMs).catch(
      (error: unknown) => error as Error,
    )
    if (!(begun instanceof Error)) return begun
  }
  await untilSaved(parts.clock, parts.emit, () => save(parts, group))
  return planned.length > 0 ? beginDeliveries(parts.db, planned).catch((error: unknown) => error as Error) : []
}

/** Of several who begin the same one, the first holds it: a claim that is lost may be given to another worker of this process. */
function inOrder(entries: Entry[], begun: Held[]): Written[] {
  const held = new Map(begun.map((one) => [one.id, one]))
  return entries.map((entry) => {
    if (!('begin' in entry)) return undefined
    const one = held.get(entry.begin.id)
    held.delete(entry.begin.id)
    return one
  })
}

const isPlain = (group: Settlement[]) => group.every((one) => one.refused.length === 0)
const asSettled = ({ settled }: Settlement) => settled

async function save(parts: Parts, group: Settlement[]): Promise<void> {
  const settled = group.map(asSettled)
  if (isPlain(group)) {
    await settleDeliveries(parts.db, settled, parts.receiptDelayMs)
    return
  }
  const inTransaction = (take: Take) =>
    parts.db.transaction(async (tx) => {
      const holders = await settleDeliveries(tx, settled, parts.receiptDelayMs)
      const refused = group.flatMap((one, index) => refusedOf(one, holders[index] as Holder))
      return writeRefused(tx, take, refused)
    })
  for (const tell of await parts.tally.within(inTransaction)) tell(parts.emit)
}

/** A late answer costs nobody a token: when it was sent is not known any more, and so not who has registered again since. */
function refusedOf({ project, refused }: Settlement, { id, isLate }: Holder) {
  return refused.map((refusal) => ({
    ...refusal,
    fate: isLate ? ('keep' as const) : refusal.fate,
    project: project ?? '',
    deliveryId: id,
  }))
}

type Tell = (emit: Emit) => void

/**
 * Refusals into the ledger, and their consequences for the push tokens; inside the transaction that settles.
 * @returns what to tell once it has committed.
 */
export async function writeRefused(
  tx: Db,
  take: Take,
  refused: (Refused & { deliveryId: number; project: string })[],
): Promise<Tell[]> {
  await insertRefusals(tx, refused)
  const tells: Tell[] = []
  for (const [project, ofProject] of Map.groupBy(refused, (one) => one.project)) {
    const judged = (fate: TokenFate) =>
      ofProject
        .filter((one) => one.fate === fate)
        .map(({ tokenId: id, pushToken: token, deliveryId }) => ({ id, token, deliveryId }))
    const dead = judged('retire')
    if (dead.length > 0) await failpoint('before_retire')
    const stage = ofProject.some((one) => one.stage === 'receipt') ? 'receipt' : 'ticket'
    const retired = await retireTokens(tx, project, dead)
    for (const token of retired) {
      tells.push((emit) => emit('token.retired', { pushToken: maskPushToken(token), stage }))
    }
    if (dead.length > 0) {
      await countAnswers(tx, project, take(project), dead.length)
      const gone = await tripFlood(tx, project, retired.length)
      if (gone !== undefined) tells.push((emit) => emit('flood.held', { project: project || null, gone }))
    }
    const suspended = await suspendTokens(tx, judged('suspend'))
    if (suspended > 0) tells.push((emit) => emit('tokens.suspended', { project: project || null, count: suspended }))
  }
  return tells
}

/** Only a database that is away is waited for; any other error is a bug, and the queue puts the work off. */
export async function untilSaved<T>(clock: Clock, emit: Emit, save: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await save()
    } catch (error) {
      if (!isDatabaseAway(error) && !isCollision(error)) throw error
      emit('database.error', { error: (error as Error).message })
      await clock.wait(SAVE_AGAIN_MS)
    }
  }
}
