/** One sandbox: Expo's push service, its phones, what it is told to do wrong, and who is watching. */
import { Events, type Gathered } from './events.ts'
import { PushService } from './expo/push-service.ts'
import { Faults, type Settings } from './faults.ts'
import type { Phone } from './phones/phone.ts'
import { Phones } from './phones/phones.ts'
import { StateFile } from './phones/state-file.ts'

export interface SandboxOptions {
  receiptDelayMs: number
  /** Notifications a second, 0 for no limit. */
  ratePerSecond: number
  /** Where the phones are kept over a restart. */
  stateFile?: string
  /** Makes a bearer token for a user of the server; absent when the sandbox may not. */
  mintToken?: (user: string, name?: string) => Promise<string> | undefined
  /** Where the page finds the server's own API: '' (default) is the same origin, null is nowhere. */
  belfryBaseUrl?: string | null
  faults?: Partial<Settings>
}

export interface Sandbox {
  service: PushService
  phones: Phones
  faults: Faults
  events: Events
  options: SandboxOptions
  snapshot(): unknown
  close(): Promise<void>
}

export function createSandbox(options: SandboxOptions): Sandbox {
  const { receiptDelayMs, ratePerSecond } = options
  const faults = new Faults({ receiptDelayMs, ratePerSecond, ...options.faults })
  const phones = new Phones((event) => {
    events.tell(event)
    file?.changed()
  })
  const file = options.stateFile === undefined ? undefined : new StateFile(options.stateFile, () => phones.kept())
  const events = new Events((gathered) => describe(gathered, phones, faults))
  const kept = file?.read()
  if (kept) phones.restore(kept)

  return {
    service: new PushService(faults, (token, message) => phones.deliver(token, message)),
    phones,
    faults,
    events,
    options,
    snapshot: () => ({
      belfry: options.belfryBaseUrl === undefined ? '' : options.belfryBaseUrl,
      canMint: options.mintToken !== undefined,
      phones: phones.all().map((phone) => withAnswer(phone, faults)),
      strangers: phones.strangers(),
    }),
    close: async () => {
      events.close()
      await file?.close()
    },
  }
}

function describe(gathered: Gathered, phones: Phones, faults: Faults): { event: string; data: unknown }[] {
  const told: { event: string; data: unknown }[] = []
  for (const [id, rang] of gathered.phones) {
    const phone = phones.get(id)
    if (phone) told.push({ event: 'phone', data: { phone: withAnswer(phone, faults), rang } })
  }
  for (const id of gathered.removed) told.push({ event: 'removed', data: { id } })
  if (gathered.strangers) told.push({ event: 'strangers', data: phones.strangers() })
  return told
}

/** A phone as the page sees it: with the code that Expo is set to answer for it, if any. */
function withAnswer(phone: Phone, faults: Faults) {
  return { ...phone, answer: faults.ticketError(phone.token) ?? '' }
}
