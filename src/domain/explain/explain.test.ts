import { describe, expect, test } from 'vitest'
import { explain } from './explain.ts'
import type { DeviceFacts, ExplainFacts } from './explain-facts.ts'

const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 9, minute))

function facts(change: Partial<ExplainFacts> = {}, of: Partial<ExplainFacts['notification']> = {}): ExplainFacts {
  const notification = {
    id: 'n',
    kind: 'notify' as const,
    audience: { everyone: true as const },
    state: 'finished' as const,
    skip_reason: null,
    postponed: null,
    created_by: 'operator',
    created_at: at(1),
    send_at: null,
    expires_at: at(59),
    finished_at: at(3),
    scheduled: false,
    ...of,
  }
  return {
    userId: 'ana',
    name: 'Ana',
    known: true,
    muted: false,
    subscribed: false,
    openedAt: null,
    notification,
    devices: [device()],
    ...change,
  }
}

type Delivery = DeviceFacts['deliveries'][number]

function device(change: Partial<DeviceFacts> = {}, of: Partial<Delivery> = {}): DeviceFacts {
  const delivery: Delivery = {
    state: 2,
    result: 'handed_over',
    attempt: 1,
    ambiguous: 0,
    deaths: 0,
    late: false,
    skipReason: null,
    ticketId: null,
    sentAt: at(2),
    settledAt: at(3),
    recipients: 1,
    ...of,
  }
  return {
    pushToken: 'ExponentPushToken[a]',
    deviceType: 'ios',
    ownedBy: 'ana',
    active: true,
    inactiveReason: null,
    inactiveAt: null,
    createdAt: at(0),
    registeredLater: false,
    history: [],
    deliveries: [delivery],
    refusals: [],
    ...change,
  }
}

const none = { deliveries: [] }
const refusal = { stage: 'ticket', code: 'DeviceNotRegistered', message: 'gone', at: at(3) }

describe('one sentence says why', () => {
  test.for<[string, ExplainFacts]>([
    ['Ana got it: Expo handed it to Apple.', facts()],
    ['Ana got it: Expo handed it to Apple. They have opened it.', facts({ openedAt: at(5) })],
    [
      'Ana got it: Expo handed it to Google, on 1 of 2 devices.',
      facts({ devices: [device({ deviceType: 'android' }), device({}, { result: 'unknown' })] }),
    ],
    [
      'Ana: Expo refused it: DeviceNotRegistered (gone).',
      facts({ devices: [device({ refusals: [refusal] }, { result: 'refused' })] }),
    ],
    [
      'Ana: the answer was lost, so nobody knows whether it was sent; it is not tried again.',
      facts({ devices: [device({}, { result: 'unknown' })] }),
    ],
    [
      'Ana: skipped, because they have muted notifications of the kind "notify".',
      facts({ devices: [device({}, { result: 'skipped', skipReason: 'muted' })] }),
    ],
    [
      "Ana: skipped, because this device is suspended: Apple or Google refused the app's key.",
      facts({ devices: [device({}, { result: 'skipped', skipReason: 'credentials' })] }),
    ],
    ['Ana has no device: there was nowhere to send it.', facts({ devices: [] })],
    [
      'Ana: this device was registered after the notification was made.',
      facts({ devices: [device({ ...none, registeredLater: true })] }),
    ],
    [
      'Ana: this device was not active: the user had logged out on it.',
      facts({ devices: [device({ ...none, active: false, inactiveReason: 'logged_out' })] }),
    ],
    ['Ana: this phone belongs to somebody else now.', facts({ devices: [device({ ...none, ownedBy: 'ben' })] })],
    [
      'Ana wrote it, and is not notified of their own.',
      facts({ devices: [device(none)] }, { audience: { everyone: true, except: ['ana'] }, created_by: 'ana' }),
    ],
    [
      'It was for 2 named users, and Ana is not one of them.',
      facts({ devices: [device(none)] }, { audience: { users: ['b', 'c'] } }),
    ],
    [
      'It was for the topic "bells", which Ana does not follow.',
      facts({ devices: [device(none)] }, { audience: { topic: 'bells' } }),
    ],
    [
      'It is scheduled, and has not been sent to Ana yet.',
      facts({ devices: [device(none)] }, { state: 'queued', scheduled: true }),
    ],
    ["It was paused before it was Ana's turn.", facts({ devices: [device(none)] }, { state: 'paused' })],
    ["It was cancelled before it was Ana's turn.", facts({ devices: [device(none)] }, { state: 'cancelled' })],
    [
      'Push notifications were switched off, so nothing was sent.',
      facts({ devices: [device(none)] }, { skip_reason: 'disabled' }),
    ],
    ['There is no user ana here.', facts({ known: false, name: null, devices: [] })],
  ])('%s', ([sentence, known]) => {
    expect(explain(known).sentence).toBe(sentence)
  })
})

test.for([
  [1, 'Sent to Expo.'],
  [2, 'Sent to Expo together with 1 other.'],
  [3, 'Sent to Expo together with 2 others.'],
] as const)('a request of %s', ([recipients, text]) => {
  const { steps } = explain(facts({ devices: [device({}, { recipients })] })).devices[0]!
  expect(steps.map((step) => step.text)).toContain(text)
})

test('the steps of a device are in order, with its attempts and what the receipt said', () => {
  const history = [{ at: at(0), kind: 'registered', userId: 'ana', fromUserId: null, detail: null }]
  const one = device({ history }, { attempt: 2, ambiguous: 1, recipients: 100, ticketId: 't', result: 'failed' })
  expect(explain(facts({ devices: [one] })).devices[0]!.steps).toEqual([
    { at: at(0), text: 'Registered by ana.' },
    { at: at(1), text: 'The notification was made.' },
    { at: at(2), text: 'Sent to Expo together with 99 others, attempt 2.' },
    { at: at(3), text: 'It was repeated: 1 answer was lost.' },
    { at: at(3), text: 'Settled: accepted. Ticket t.' },
    { at: null, text: 'Its receipt: Apple or Google did not take it.' },
  ])
})
