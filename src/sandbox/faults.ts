/** What the sandbox is told to do wrong, and its other dials. All can be changed while it runs. */

/**
 * Faults of the next requests. Before anything is accepted: 500, 502 (HTML), 503 (text), 401, 403, 429, `reset-before`, `hang`.
 * After every recipient was accepted and the phones rang: `504-after-accept` (HTML), `reset-after-accept`, `garbage`, `half-body`, `short-list`.
 */
export const faultKinds = [
  '500',
  '502',
  '503',
  '401',
  '403',
  '429',
  'reset-before',
  'hang',
  '504-after-accept',
  'reset-after-accept',
  'garbage',
  'half-body',
  'short-list',
] as const
export type FaultKind = (typeof faultKinds)[number]
export type Endpoint = 'send' | 'getReceipts'

export interface NextFault {
  kind: FaultKind
  /** How many requests it hits; default 1. */
  times?: number
  /** Which endpoint it hits; default `send`. */
  on?: Endpoint
}

export interface Settings {
  ratePerSecond: number
  receiptDelayMs: number
  /** Added to every answer. */
  latencyMs: number
  /** When set, requests without `Authorization: Bearer <it>` are UNAUTHORIZED. */
  accessToken: string | null
  next: NextFault[]
  /** Push token -> code of its ticket, e.g. `DeviceNotRegistered`; `none` gives an error without details. */
  ticketErrors: Record<string, string>
  /** Push token -> code of its receipt; `missing` leaves the receipt out for good. */
  receiptErrors: Record<string, string>
  /** Push token -> project, to meet PUSH_TOO_MANY_EXPERIENCE_IDS; tokens without one go with any. */
  projects: Record<string, string> | ((token: string) => string | undefined)
}

/** Codes by token kept at most; more than that is a mistake in a test. */
const MAX_TOKENS = 200_000

export class Faults {
  readonly #initial: Settings
  settings: Settings

  constructor(given: Partial<Settings> & Pick<Settings, 'ratePerSecond' | 'receiptDelayMs'>) {
    const silent = { latencyMs: 0, accessToken: null, next: [], ticketErrors: {}, receiptErrors: {}, projects: {} }
    this.#initial = { ...silent, ...given }
    this.settings = structuredCloneOf(this.#initial)
  }

  /** Back to what the sandbox was started with. */
  reset(): void {
    this.settings = structuredCloneOf(this.#initial)
  }

  /** Maps are merged (null takes a token out), everything else is replaced. Throws a sentence when a value is wrong. */
  change(patch: Record<string, unknown>): void {
    const merged: Record<string, unknown> = { ...this.settings }
    for (const [name, value] of Object.entries(patch)) {
      const check = Object.hasOwn(checks, name) ? checks[name as keyof Settings] : undefined
      if (!check) throw new Error(`"${name}" is not a setting of the sandbox.`)
      if (!check(value)) throw new Error(`"${name}" has a value of the wrong kind.`)
      merged[name] = isCodes(value) && name !== 'next' ? mergedCodes(merged[name], value) : value
    }
    this.settings = merged as unknown as Settings
  }

  /** The fault that the request at hand meets, if any; it is used up. */
  take(endpoint: Endpoint): FaultKind | undefined {
    const index = this.settings.next.findIndex((fault) => (fault.on ?? 'send') === endpoint)
    const fault = this.settings.next[index]
    if (!fault) return undefined
    const left = (fault.times ?? 1) - 1
    const rest = left > 0 ? [{ ...fault, times: left }] : []
    this.settings = { ...this.settings, next: this.settings.next.toSpliced(index, 1, ...rest) }
    return fault.kind
  }

  projectOf(token: string): string | undefined {
    const { projects } = this.settings
    if (typeof projects === 'function') return projects(token)
    return Object.hasOwn(projects, token) ? projects[token] : undefined
  }

  ticketError(token: string): string | undefined {
    return Object.hasOwn(this.settings.ticketErrors, token) ? this.settings.ticketErrors[token] : undefined
  }

  receiptError(token: string): string | undefined {
    return Object.hasOwn(this.settings.receiptErrors, token) ? this.settings.receiptErrors[token] : undefined
  }
}

function structuredCloneOf(settings: Settings): Settings {
  const { projects, ...rest } = settings
  return { ...structuredClone(rest), projects: typeof projects === 'function' ? projects : { ...projects } }
}

const isCount = (value: unknown) => typeof value === 'number' && Number.isFinite(value) && value >= 0

function isCodes(value: unknown): value is Record<string, string | null> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.values(value).every((code) => code === null || typeof code === 'string')
}

function isNext(value: unknown): boolean {
  return Array.isArray(value) && value.length <= 1000 && value.every(isNextFault)
}

function isNextFault(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { kind, times, on } = value as Record<string, unknown>
  const known = (faultKinds as readonly unknown[]).includes(kind)
  return known && (times === undefined || isCount(times)) && (on === undefined || on === 'send' || on === 'getReceipts')
}

const checks: Record<keyof Settings, (value: unknown) => boolean> = {
  ratePerSecond: isCount,
  receiptDelayMs: isCount,
  latencyMs: (value) => isCount(value) && (value as number) <= 120_000,
  accessToken: (value) => value === null || typeof value === 'string',
  next: isNext,
  ticketErrors: isCodes,
  receiptErrors: isCodes,
  projects: isCodes,
}

function mergedCodes(before: unknown, patch: Record<string, string | null>): Record<string, string> {
  const merged: Record<string, string | null> = { ...(before as Record<string, string>), ...patch }
  const kept = Object.entries(merged).filter((entry): entry is [string, string] => entry[1] !== null)
  if (kept.length > MAX_TOKENS) throw new Error(`More than ${MAX_TOKENS} push tokens have a fault.`)
  return Object.fromEntries(kept)
}
