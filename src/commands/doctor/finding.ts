/** What one look of the doctor's found: a line for a person, and what to do about it. */
export interface Finding {
  check: string
  verdict: 'fine' | 'warn' | 'fault'
  says: string
  hint?: string
}

export const fine = (check: string, says: string): Finding => ({ check, verdict: 'fine', says })
export const warn = (check: string, says: string, hint?: string): Finding => told(check, 'warn', says, hint)
export const fault = (check: string, says: string, hint?: string): Finding => told(check, 'fault', says, hint)

function told(check: string, verdict: Finding['verdict'], says: string, hint?: string): Finding {
  return { check, verdict, says, ...(hint !== undefined && { hint }) }
}

/** No step waits for longer. */
export const TIMEOUT_MS = 5_000

const CLOCK_WARN_MS = 5_000
/** Bearer tokens of a minute ago are refused by then, or last too long. */
const CLOCK_FAULT_MS = 60_000

/** @param whose such as "the database's clock". @param slackMs what the way there may have cost. */
export function clock(check: string, whose: string, aheadMs: number, slackMs = 0): Finding {
  const off = Math.abs(aheadMs) - slackMs
  const seconds = (Math.abs(aheadMs) / 1_000).toFixed(1)
  if (off <= CLOCK_WARN_MS) return fine(check, `${whose} agrees with this machine's, within ${seconds} s`)
  const says = `${whose} is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} this machine's`
  const hint =
    'Let both be set by NTP. Bearer tokens expire by this machine’s clock, what is due is decided by the database’s.'
  return off > CLOCK_FAULT_MS ? fault(check, says, hint) : warn(check, says, hint)
}

export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (isLate(error)) return `no answer within ${TIMEOUT_MS / 1_000} s`
  const { code, message, cause } = error as NodeJS.ErrnoException
  if (code === undefined && cause !== undefined) return reasonOf(cause)
  return code === undefined || message.includes(code) ? message || error.name : `${code}: ${message}`
}

/** What fetch rejects with when `AbortSignal.timeout` has passed. */
export function isLate(error: unknown): boolean {
  return error instanceof Error && error.name === 'TimeoutError'
}
