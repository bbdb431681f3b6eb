/** "Why did this user not get it?", answered in one sentence, and then device by device, in order and in words. */

import type { ResultName } from '../answers/result.ts'
import { ruleFor } from '../answers/verdict.ts'
import { hasEnded } from '../notification.ts'
import type { Platform } from '../platform.ts'
import type { DeviceFacts, ExplainFacts } from './explain-facts.ts'
import { inactiveWords, inExposWords, type Step, stepsOf } from './explain-steps.ts'

export interface Explained {
  sentence: string
  hint: string | null
  devices: { pushToken: string; deviceType: Platform | null; outcome: string; words: string; steps: Step[] }[]
}

export function explain(facts: ExplainFacts): Explained {
  const devices = facts.devices.map((device) => {
    const { outcome, words, hint } = outcomeOf(facts, device)
    return {
      pushToken: device.pushToken,
      deviceType: device.deviceType,
      outcome,
      words,
      hint,
      steps: stepsOf(facts, device),
    }
  })
  return { ...summary(facts, devices), devices: devices.map(({ hint: _, ...device }) => device) }
}

interface Outcome {
  outcome: ResultName | 'not_in_audience' | 'not_yet'
  words: string
  hint: string | null
}

/** From the best that can have become of a person's devices to the worst. */
const ranks: Outcome['outcome'][] = [
  'handed_over',
  'accepted',
  'no_receipt',
  'pending',
  'unknown',
  'failed',
  'refused',
  'expired',
  'cancelled',
  'skipped',
  'not_yet',
  'not_in_audience',
]

function summary(
  facts: ExplainFacts,
  outcomes: (Outcome & { deviceType: Platform | null })[],
): Pick<Explained, 'sentence' | 'hint'> {
  const who = facts.name ?? facts.userId
  const left = whyLeftOut(facts, who)
  const reached = outcomes.some((one) => one.outcome !== 'not_in_audience' && one.outcome !== 'not_yet')
  if (left && !reached) return left
  const before = whyNotYet(facts, who)
  if (before && !reached) return before
  if (outcomes.length === 0)
    return {
      sentence: `${who} has no device: there was nowhere to send it.`,
      hint: 'The user needs to open the app once so that it registers a push token.',
    }
  const best = outcomes.toSorted((a, b) => ranks.indexOf(a.outcome) - ranks.indexOf(b.outcome))[0]!
  const alike = outcomes.filter((one) => one.outcome === best.outcome).length
  const of = outcomes.length > 1 ? `, on ${alike} of ${outcomes.length} devices` : ''
  const opened = facts.openedAt === null ? '' : ' They have opened it.'
  return { sentence: `${sentenceFor(who, best)}${of}.${opened}`, hint: best.hint }
}

function whyLeftOut({ notification, known, subscribed, userId }: ExplainFacts, who: string) {
  const { audience, created_by: by } = notification
  if (!known) return { sentence: `There is no user ${userId} here.`, hint: 'Users are known from their first call on.' }
  if (audience.except?.includes(userId))
    return {
      sentence:
        by === userId ? `${who} wrote it, and is not notified of their own.` : `${who} was left out of it on purpose.`,
      hint: null,
    }
  if ('users' in audience && !audience.users.includes(userId))
    return {
      sentence: `It was for ${audience.users.length} named ${audience.users.length === 1 ? 'user' : 'users'}, and ${who} is not one of them.`,
      hint: null,
    }
  if ('topic' in audience && !subscribed)
    return { sentence: `It was for the topic "${audience.topic}", which ${who} does not follow.`, hint: null }
  return undefined
}

function whyNotYet({ notification: n }: ExplainFacts, who: string) {
  if (n.scheduled) return { sentence: `It is scheduled, and has not been sent to ${who} yet.`, hint: null }
  if (n.state === 'paused')
    return { sentence: `It was paused before it was ${who}'s turn.`, hint: 'Resume it, and it goes on.' }
  if (n.state === 'cancelled') return { sentence: `It was cancelled before it was ${who}'s turn.`, hint: null }
  if (n.state === 'expired') return { sentence: `Its time to live ended before it was ${who}'s turn.`, hint: null }
  if (n.skip_reason === 'disabled')
    return {
      sentence: 'Push notifications were switched off, so nothing was sent.',
      hint: 'Set ENABLE_PUSH_NOTIFICATIONS=true and start again.',
    }
  if (n.postponed !== null)
    return { sentence: `It waits, and has not been sent to ${who} yet: ${n.postponed}.`, hint: null }
  return undefined
}

function sentenceFor(who: string, { outcome, words }: Outcome): string {
  return outcome === 'handed_over' ? `${who} got it: ${words}` : `${who}: ${words}`
}

function outcomeOf(facts: ExplainFacts, device: DeviceFacts): Outcome {
  const delivery = device.deliveries.findLast((one) => !one.late) ?? device.deliveries.at(-1)
  if (!delivery) return withoutDelivery(facts, device)
  const refusal = device.refusals.at(-1)
  const hint = refusal ? ruleFor(refusal.code).hint : null
  return { outcome: delivery.result, words: wordsFor(facts, device, delivery), hint }
}

function withoutDelivery({ notification, userId }: ExplainFacts, device: DeviceFacts): Outcome {
  if (device.ownedBy !== userId)
    return { outcome: 'not_in_audience', words: 'this phone belongs to somebody else now', hint: null }
  if (device.registeredLater)
    return {
      outcome: 'not_in_audience',
      words: 'this device was registered after the notification was made',
      hint: null,
    }
  if (!device.active)
    return {
      outcome: 'not_in_audience',
      words: `this device was not active: ${inactiveWords(device)}`,
      hint: inactiveHint(device),
    }
  if (!hasEnded(notification.state))
    return { outcome: 'not_yet', words: 'it is not the turn of this device yet', hint: null }
  return { outcome: 'not_in_audience', words: 'this device was not among those that it was read out for', hint: null }
}

function inactiveHint({ inactiveReason }: DeviceFacts): string | null {
  if (inactiveReason === 'InvalidCredentials') return ruleFor('InvalidCredentials').hint
  return inactiveReason === null ? null : 'It comes back when the app registers its push token again.'
}

const providers = { ios: 'Apple', android: 'Google' } as const

function wordsFor(facts: ExplainFacts, device: DeviceFacts, delivery: DeviceFacts['deliveries'][number]): string {
  const provider = device.deviceType === null ? 'Apple or Google' : providers[device.deviceType]
  const refusal = device.refusals.at(-1)
  const said = refusal === undefined ? '' : `: ${inExposWords(refusal)}`
  switch (delivery.result) {
    case 'handed_over':
      return `Expo handed it to ${provider}`
    case 'accepted':
      return `Expo took it; whether ${provider} took it is asked for later`
    case 'no_receipt':
      return `Expo took it and never said what ${provider} did`
    case 'failed':
      return `Expo took it, and ${provider} did not${said}`
    case 'refused':
      return `Expo refused it${said}`
    case 'unknown':
      return 'the answer was lost, so nobody knows whether it was sent; it is not tried again'
    case 'skipped':
      return skippedWords(facts, device, delivery.skipReason)
    case 'expired':
      return 'its time to live ended before it could be sent'
    case 'cancelled':
      return 'it was cancelled before it was sent'
    case 'pending':
      return delivery.state === 1 ? 'it is on its way to Expo at this moment' : 'it is planned and waits for its turn'
  }
}

function skippedWords(facts: ExplainFacts, device: DeviceFacts, reason: string | null): string {
  if (reason === 'muted')
    return `skipped, because they have muted notifications of the kind "${facts.notification.kind}"`
  if (reason === 'credentials')
    return "skipped, because this device is suspended: Apple or Google refused the app's key"
  if (facts.notification.skip_reason === 'disabled') return 'skipped, because push notifications were switched off'
  return device.active
    ? 'skipped, because the device was gone, had moved to somebody else or did not want it any more when its turn came'
    : `skipped, because the device was gone when its turn came: ${inactiveWords(device)}`
}
