/** A request that Expo refused for something in it goes on in pieces, until the bad piece stands alone. */

import { RESULT } from '../../domain/answers/result.ts'
import { divide, type Group } from '../../domain/messages/divide.ts'
import type { BuiltRequest } from '../../domain/messages/messages.ts'
import type { SendAnswer } from '../../ports.ts'
import { splitDelivery } from '../../store/ledger/deliveries.ts'
import { learnProjects } from '../../store/tokens/token-fates.ts'
import { type Begun, type Parcel, settleAll } from '../plan/parcel.ts'
import { untilSaved } from '../settle/settle.ts'
import { release, type SenderParts, type Sent, settleInto } from './sending.ts'

type Refusal = Extract<SendAnswer, { kind: 'refused' }>
type Parts = Pick<SenderParts, 'db' | 'clock' | 'emit' | 'settle'>

export async function divideRequest(
  parts: Parts,
  begun: Begun[],
  request: BuiltRequest,
  refusal: Refusal,
): Promise<Sent> {
  const [only] = begun
  if (!only) return { kind: 'done' }
  if (begun.length > 1) {
    // Several notifications shared it: each goes on alone, and shows whether it is the bad one.
    return release(parts, begun, { kind: 'divided', requests: begun.map((one) => [one]) })
  }
  const suspects = request.messages.flatMap(({ to }, message) => to.map((token, at) => ({ token, message, at })))
  const groups = divide(suspects, refusal)
  return groups ? goOnIn(parts, only, request, groups) : refuseLast(parts, only, request, refusal)
}

/** Each group becomes a delivery of its own; what Expo told of its project is remembered. */
async function goOnIn(parts: Parts, only: Begun, request: BuiltRequest, groups: Group[]): Promise<Sent> {
  const pieces = groups.map((group) => ({
    project: group.project ?? only.delivery.project,
    tokenIds: group.members.map((index) => only.delivery.token_ids[request.slots[index]?.position ?? -1] ?? 0),
  }))
  const learned = groups.flatMap((group, index) =>
    group.project === undefined ? [] : [{ project: group.project, tokenIds: pieces[index]?.tokenIds ?? [] }],
  )
  const gone = only.delivery.token_ids.filter((_, position) => !only.recipients[position])
  pieces[0]?.tokenIds.push(...gone)
  const split = await untilSaved(parts.clock, parts.emit, async () => {
    if (learned.length > 0) await learnProjects(parts.db, learned)
    return splitDelivery(parts.db, only.held, pieces)
  })
  // Split before, and nobody was told so: the plan knows the pieces.
  if (split.length === 0) return { kind: 'not_begun' }
  const recipients = new Map(only.delivery.token_ids.map((id, position) => [id, only.recipients[position] ?? null]))
  const parcels = split.map<Parcel>((delivery) => ({
    delivery,
    notification: only.notification,
    recipients: delivery.token_ids.map((id) => recipients.get(id) ?? null),
  }))
  return { kind: 'divided', requests: parcels.map((parcel) => [parcel]) }
}

/** The one recipient that is left is the bad one: final for this message, and no reason to take the token out. */
async function refuseLast(parts: Parts, only: Begun, request: BuiltRequest, refusal: Refusal): Promise<Sent> {
  const bad = request.slots[0]?.position ?? 0
  const { code, message } = refusal
  const tokenId = only.delivery.token_ids[bad] ?? 0
  const refused = [{ tokenId, stage: 'request', code, message, fate: 'keep' } as const]
  await settleInto(parts, only.notification.lane, [{ ...settleAll(only, only.held, RESULT.refused), refused }])
  return { kind: 'done' }
}
