/** From Expo's answer to what is written in the ledger. Pure: the engine only carries it out. */
import type { Slot } from '../messages/messages.ts'
import { RESULT, type Result } from './result.ts'
import { knownCode, type Receipt, ruleFor, type Ticket, type TokenFate } from './verdict.ts'

/** Expo's no to one recipient, by its position in the part (or delivery). */
export interface Refused {
  position: number
  code: string | null
  message: string
  fate: TokenFate
  /** Whom the no was said to, where that is known. */
  pushToken?: string | undefined
}

export interface PartVerdict {
  results: number[]
  ticketIds: (string | null)[]
  refused: Refused[]
}

/**
 * Tickets are matched by position. Where an error names a push token and it is not the one at that position, the
 * answer is about something else: nothing is concluded about any token from it.
 * @param parts how many recipients each part has, gone ones included, and the token at each position (null: gone).
 * @param gone what the gone ones of each part come to.
 */
export function judgeTickets(
  parts: readonly (readonly (string | null)[])[],
  slots: readonly Slot[],
  tickets: readonly Ticket[],
  gone: readonly Result[] = [],
): PartVerdict[] {
  const verdicts = parts.map<PartVerdict>((tokens, part) => ({
    results: tokens.map(() => gone[part] ?? RESULT.skipped),
    ticketIds: tokens.map(() => null),
    refused: [],
  }))
  slots.forEach(({ part, position }, index) => {
    const verdict = verdicts[part]
    const ticket = tickets[index]
    if (!verdict || !ticket) throw new Error('as many tickets as recipients are judged, never fewer')
    if (ticket.status === 'ok') {
      verdict.results[position] = RESULT.accepted
      verdict.ticketIds[position] = ticket.id
      return
    }
    const pushToken = parts[part]?.[position] ?? undefined
    const aboutThisToken = ticket.pushToken === undefined || ticket.pushToken === pushToken
    verdict.results[position] = RESULT.refused
    verdict.refused.push({
      position,
      code: ticket.code,
      message: ticket.message,
      fate: aboutThisToken ? ruleFor(ticket.code).fate : 'keep',
      pushToken,
    })
  })
  return verdicts
}

/** Receipts that are not there yet leave their result as it is; on the last look they become `no_receipt`. */
export function judgeReceipts(
  delivery: { results: readonly number[]; ticket_ids: readonly (string | null)[] },
  receipts: ReadonlyMap<string, Receipt>,
  lastLook: boolean,
): { results: number[]; refused: Refused[] } {
  const refused: Refused[] = []
  const results = delivery.results.map((result, position) => {
    const ticketId = delivery.ticket_ids[position]
    if (result !== RESULT.accepted || ticketId === null || ticketId === undefined) return result
    const receipt = receipts.get(ticketId)
    if (!receipt) return lastLook ? RESULT.no_receipt : result
    if (receipt.status === 'ok') return RESULT.handed_over
    const { code, message, pushToken } = receipt
    refused.push({ position, code, message, fate: ruleFor(code).fate, pushToken })
    return RESULT.failed
  })
  return { results, refused }
}

/** How many there are of each code; codes that this version does not know are one. */
export function countCodes(refused: readonly Pick<Refused, 'code'>[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { code } of refused) {
    const name = knownCode(code)
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

/** At most this many answers of one delivery may be ambiguous before it becomes a visible `unknown`. */
const MAX_AMBIGUOUS = 3
/** A repeat after our own death is no answer of Expo's; it has its own limit. */
const MAX_DEATHS = 20

/** An earlier request may have reached those who are gone by now; in a first one they were not. */
export const goneResult = ({ ambiguous, deaths }: { ambiguous: number; deaths: number }): Result =>
  ambiguous + deaths > 0 ? RESULT.unknown : RESULT.skipped

/** Whether one more ambiguous answer leaves it unknown. */
export const isLastChance = ({ ambiguous }: { ambiguous: number }): boolean => ambiguous === MAX_AMBIGUOUS - 1

export function mayRepeat(delivery: { ambiguous: number; deaths: number }, onUnknown: 'repeat' | 'drop'): boolean {
  if (onUnknown === 'drop') return delivery.ambiguous === 0 && delivery.deaths === 0
  return delivery.ambiguous < MAX_AMBIGUOUS && delivery.deaths <= MAX_DEATHS
}
