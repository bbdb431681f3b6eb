/** What goes wrong, and how often: the seeded fault plan of the fake Expo. */

/** Faults that hit a whole send request. */
export const faultNames = [
  /** Answered without taking the notifications. */
  'status500',
  'status429',
  /** As before, with `Retry-After: 1`. */
  'status429RetryAfter',
  'resetBefore',
  'redirect',
  /** The notifications are taken, and then the answer goes wrong. */
  'status504AfterAccept',
  'resetAfterAccept',
  'halfBody',
  'garbage',
  'shortArray',
  'slowLoris',
  'gzipBomb',
] as const
export type FaultName = (typeof faultNames)[number]

/** A sender cannot know whether these were taken; all others say that they were not. */
export const ambiguous: ReadonlySet<FaultName> = new Set(
  faultNames.filter((name) => !['status429', 'status429RetryAfter'].includes(name)),
)
/** In truth these were taken. */
export const taken: ReadonlySet<FaultName> = new Set(faultNames.slice(faultNames.indexOf('status504AfterAccept')))

export interface Plan {
  seed: number
  /** How likely each fault hits a send request, 0 to 1. */
  faults: Partial<Record<FaultName, number>>
  /** What the next requests meet, one each, before the dice decide again; `ok` is no fault. */
  next: (FaultName | 'ok')[]
  /** No connection is answered: everything is reset. */
  down: boolean
  /** How long an answer takes, in milliseconds: always, or between two bounds. */
  latencyMs: number | [number, number]
  /** Notifications that a project may send in a sliding second; above it a request is answered 429. 0 = no limit. */
  rateLimit: number
  /** When set, requests must carry it as bearer token. */
  accessToken: string | null
  /** Error codes by push token, in the ticket or only in the receipt. */
  ticketCodes: Record<string, string>
  receiptCodes: Record<string, string>
  /** Push tokens whose receipts never come. */
  receiptMissing: string[]
  /** A receipt is there so long after its ticket. */
  receiptAfterMs: number
  /** How likely a receipts request is answered 500. */
  receipts500: number
  /** The project of push tokens that do not belong to the default one. */
  projects: Record<string, string>
  /** Push tokens whose message is refused as malformed, and the whole request with it. */
  poison: string[]
  /** Whether every accepted recipient is remembered (the ledger) or only counted (for benchmarks). */
  remember: boolean
}

export const calm: Plan = {
  seed: 1,
  faults: {},
  next: [],
  down: false,
  latencyMs: 0,
  rateLimit: 0,
  accessToken: null,
  ticketCodes: {},
  receiptCodes: {},
  receiptMissing: [],
  receiptAfterMs: 0,
  receipts500: 0,
  projects: {},
  poison: [],
  remember: true,
}

export interface Dice {
  /** From 0 to 1, the same row for the same seed. */
  roll(): number
}

/** Mulberry32. */
export function dice(seed: number): Dice {
  let state = seed >>> 0
  return {
    roll() {
      state = (state + 0x6d2b79f5) >>> 0
      let t = state
      t = Math.imul(t ^ (t >>> 15), t | 1)
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296
    },
  }
}

export function chooseFault(plan: Plan, throwing: Dice): FaultName | undefined {
  const told = plan.next.shift()
  if (told !== undefined) return told === 'ok' ? undefined : told
  let left = throwing.roll()
  for (const name of faultNames) {
    left -= plan.faults[name] ?? 0
    if (left < 0) return name
  }
  return undefined
}

export function chooseLatency(plan: Plan, throwing: Dice): number {
  if (typeof plan.latencyMs === 'number') return plan.latencyMs
  const [least, most] = plan.latencyMs
  return least + (most - least) * throwing.roll()
}
