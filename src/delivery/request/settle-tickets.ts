/** From a request's tickets to the ledger, and to the facts that are told about it. */

import { countCodes, goneResult, judgeTickets, type PartVerdict } from '../../domain/answers/judge.ts'
import { RESULT } from '../../domain/answers/result.ts'
import type { Ticket } from '../../domain/answers/verdict.ts'
import type { Begun } from '../plan/parcel.ts'
import type { Settlement } from '../settle/settle.ts'
import { type Answered, type SenderParts, settleInto } from './sending.ts'

export async function settleTickets(
  parts: Pick<SenderParts, 'settle' | 'emit'>,
  { lane, project, begun, request, ms, ...answered }: Answered,
  tickets: Ticket[],
): Promise<void> {
  const tokens = begun.map((one) => one.recipients.map((recipient) => recipient?.token ?? null))
  const gone = begun.map((one) => goneResult(one.delivery))
  const verdicts = judgeTickets(tokens, request.slots, tickets, gone)
  const settlements = verdicts.map((verdict, index) => settlement(begun[index] as Begun, verdict))
  const saved = settleInto(parts, lane, settlements)
  answered.giveBackPermit(saved)
  const { accepted, refused } = await saved
  const codes = countCodes(verdicts.flatMap((verdict) => verdict.refused))
  parts.emit('request.settled', { lane, accepted, refused, ms: Math.round(ms), project, codes })
  if (lane === 'direct') tellUsers(parts, begun, verdicts)
}

function settlement(parcel: Begun, verdict: PartVerdict): Settlement {
  return {
    project: parcel.delivery.project,
    settled: { ...parcel.held, results: verdict.results, ticketIds: verdict.ticketIds },
    refused: verdict.refused.map(({ position, ...refusal }) => ({
      tokenId: parcel.delivery.token_ids[position] ?? 0,
      stage: 'ticket',
      ...refusal,
    })),
  }
}

function tellUsers(parts: Pick<SenderParts, 'emit'>, begun: Begun[], verdicts: PartVerdict[]): void {
  begun.forEach((parcel, index) => {
    const devices = new Map<string, number>()
    parcel.recipients.forEach((recipient, position) => {
      if (!recipient?.userId || verdicts[index]?.results[position] !== RESULT.accepted) return
      devices.set(recipient.userId, (devices.get(recipient.userId) ?? 0) + 1)
    })
    for (const [userId, count] of devices) {
      parts.emit('user.notified', { userId, notificationId: parcel.notification.id, devices: count })
    }
  })
}
