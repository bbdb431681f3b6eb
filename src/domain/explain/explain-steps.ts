/** What happened to a device and to what was sent to it, in order and in words. */

import { ruleFor } from '../answers/verdict.ts'
import type { DeviceFacts, ExplainFacts } from './explain-facts.ts'

export interface Step {
  at: Date | null
  text: string
}

/** Its sentences quote push tokens, so that they stand in brackets. */
export function inExposWords({ code, message }: { code: string | null; message: string }): string {
  return `${code ?? 'no code'} (${message.replace(/\.$/, '')})`
}

export function stepsOf(facts: ExplainFacts, device: DeviceFacts): Step[] {
  const steps: Step[] = device.history.map(({ at, kind, userId, fromUserId, detail }) => ({
    at,
    text: eventWords(kind, { userId, fromUserId, detail }),
  }))
  if (!device.history.some((event) => event.kind === 'registered'))
    steps.push({ at: device.createdAt, text: 'This device became known.' })
  steps.push({ at: facts.notification.created_at, text: 'The notification was made.' })
  for (const delivery of device.deliveries) steps.push(...deliverySteps(delivery))
  for (const { at, stage, code, message } of device.refusals) {
    const what =
      stage === 'receipt' ? 'The receipt says' : stage === 'ticket' ? 'The ticket says' : 'Expo refused the request'
    steps.push({ at, text: `${what}: ${inExposWords({ code, message })}. ${ruleFor(code).hint}` })
  }
  const time = ({ at }: Step) => at?.getTime() ?? Number.POSITIVE_INFINITY
  return steps.toSorted((a, b) => (time(a) === time(b) ? 0 : time(a) - time(b)))
}

/** The ledger keeps what a receipt said, not when it came. */
const receiptWords: Partial<Record<string, string>> = {
  handed_over: 'Its receipt: handed over. What the phone did with it, nobody is told.',
  failed: 'Its receipt: Apple or Google did not take it.',
  no_receipt: 'No receipt came within a day.',
}

function deliverySteps({
  sentAt,
  settledAt,
  attempt,
  ambiguous,
  deaths,
  late,
  result,
  ticketId,
  recipients,
}: DeviceFacts['deliveries'][number]) {
  const steps: Step[] = []
  const others = recipients > 1 ? ` together with ${recipients - 1} ${recipients === 2 ? 'other' : 'others'}` : ''
  const attempts = attempt > 1 ? `, attempt ${attempt}` : ''
  if (sentAt) steps.push({ at: sentAt, text: `Sent to Expo${others}${attempts}.` })
  const lost = [
    ambiguous > 0 ? `${ambiguous} ${ambiguous === 1 ? 'answer was' : 'answers were'} lost` : '',
    deaths > 0 ? `the server ended ${deaths} ${deaths === 1 ? 'time' : 'times'} in the middle` : '',
  ].filter((part) => part !== '')
  if (settledAt && lost.length > 0) steps.push({ at: settledAt, text: `It was repeated: ${lost.join(', ')}.` })
  if (settledAt) {
    const ticket = ticketId === null ? '' : ` Ticket ${ticketId}.`
    const said = receiptWords[result] === undefined ? result : 'accepted'
    steps.push({ at: settledAt, text: `${late ? 'A late answer: ' : 'Settled: '}${said}.${ticket}` })
  }
  const receipt = receiptWords[result]
  if (receipt !== undefined) steps.push({ at: null, text: receipt })
  return steps
}

/** What happened to a device, for the console and for `explain`. */
export function eventWords(
  kind: string,
  { userId, fromUserId, detail }: { userId: string | null; fromUserId: string | null; detail: string | null },
): string {
  const why = detail === null || detail === '' ? '' : ` (${detail})`
  switch (kind) {
    case 'registered':
      return `Registered by ${userId ?? 'somebody'}.`
    case 'moved':
      return `Moved from ${fromUserId ?? 'somebody'} to ${userId ?? 'somebody'}: the phone changed hands.`
    case 'rotated':
      return 'The same phone registered a new push token.'
    case 'revived':
      return `Registered again, and active from then on${why}.`
    case 'logged_out':
      return 'The user logged out.'
    case 'retired':
      return `Retired: Expo said that the app is gone${why}.`
    case 'suspended':
      return `Suspended: Apple or Google refused the app's key${why}.`
    case 'restored':
      return `Restored${why}.`
    default:
      return `${kind}${why}.`
  }
}

export function inactiveWords({ inactiveReason }: Pick<DeviceFacts, 'inactiveReason'>): string {
  if (inactiveReason === 'logged_out') return 'the user had logged out on it'
  if (inactiveReason === 'DeviceNotRegistered') return 'Expo said that the app was gone from it'
  if (inactiveReason === 'InvalidCredentials') return "it is suspended, because Apple or Google refused the app's key"
  if (inactiveReason === 'superseded') return 'the same phone had registered a newer push token'
  return inactiveReason ?? 'unknown reason'
}
