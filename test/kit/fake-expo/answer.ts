/** How the fake Expo judges a send request and a receipts request; no sockets here. */
import { type Ledger, recipientsOf, SlidingSecond } from './ledger.ts'
import type { Dice, Plan } from './plan.ts'
import { isPushToken, isTooBig, MAX_RECEIPTS, type Message, validateSendBody } from './validate.ts'

export interface Answer {
  status: number
  body: string
}

const DEFAULT_PROJECT = '@belfry/app'

export function problem(status: number, code: string, message: string, more: object = {}): Answer {
  return { status, body: JSON.stringify({ errors: [{ code, message, ...more }] }) }
}

/** The plan's lists, as sets that a hundred thousand look-ups a second can be asked of. */
export interface Lists {
  poison: Set<string>
  receiptMissing: Set<string>
  hasProjects: boolean
}

export interface Judge {
  plan: Plan
  lists: Lists
  ledger: Ledger
  /** The rate by project, for the strict limit. */
  rates: Map<string, SlidingSecond>
  /** What it was asked to take, also what was too much. */
  asked: SlidingSecond
  /** Things that no correct sender does; a test wants none. */
  violate(what: string): void
}

/** Refusals of the whole request: nothing of it is taken. */
export function refusal(
  judge: Judge,
  body: unknown,
  now: number,
): Answer | { messages: Message[]; recipients: number } {
  if (!Array.isArray(body)) judge.violate('the body is not an array')
  const checked = validateSendBody(body)
  if ('fault' in checked) {
    judge.violate(`${checked.fault.code}: ${checked.fault.message}`)
    return problem(400, checked.fault.code, checked.fault.message)
  }
  const foreign = judge.lists.hasProjects ? severalProjects(judge.plan, checked.messages) : undefined
  if (foreign !== undefined && 'status' in foreign) return foreign
  if (judge.lists.poison.size > 0) {
    const at = checked.messages.findIndex((message) => recipientsOf(message).some((to) => judge.lists.poison.has(to)))
    if (at >= 0) return problem(400, 'VALIDATION_ERROR', `"[${at}].title" must be a string.`)
  }
  return overRate(judge, foreign?.project ?? DEFAULT_PROJECT, checked.recipients, now) ?? checked
}

function severalProjects(plan: Plan, messages: Message[]): Answer | { project: string } {
  const details: Record<string, string[]> = {}
  for (const token of messages.flatMap(recipientsOf))
    (details[plan.projects[token] ?? DEFAULT_PROJECT] ??= []).push(token)
  const names = Object.keys(details)
  if (names.length === 1) return { project: names[0]! }
  const message =
    'All push notification messages in the same request must be for the same project; check the details field to investigate conflicting tokens.'
  return problem(400, 'PUSH_TOO_MANY_EXPERIENCE_IDS', message, { type: 'USER', details, isTransient: false })
}

function overRate(judge: Judge, project: string, recipients: number, now: number): Answer | undefined {
  judge.asked.add(now, recipients)
  const limit = judge.plan.rateLimit
  if (limit === 0) return undefined
  const second = judge.rates.get(project) ?? new SlidingSecond()
  judge.rates.set(project, second)
  if (second.sum(now) + recipients > limit)
    return problem(429, 'TOO_MANY_REQUESTS', `Exceeded ${limit} notifications per second, please try again.`)
  second.add(now, recipients)
  return undefined
}

/** Takes every recipient and gives each its ticket. */
export function accept(judge: Judge, messages: Message[], bytes: number, now: number): Answer {
  const { plan, ledger } = judge
  const parts: string[] = []
  for (const message of messages) {
    const big = bytes > 4096 && isTooBig(message)
    for (const token of recipientsOf(message)) {
      const code = big ? 'MessageTooBig' : (plan.ticketCodes[token] ?? (isPushToken(token) ? undefined : 'malformed'))
      if (code === undefined) {
        parts.push(`{"status":"ok","id":"${ledger.accept(token, message, now, plan.remember)}"}`)
        continue
      }
      if (code === 'malformed') judge.violate(`not a push token: ${token}`)
      ledger.refuse(token, message, code, now)
      parts.push(JSON.stringify(errorTicket(token, code === 'malformed' ? 'DeviceNotRegistered' : code)))
    }
  }
  return { status: 200, body: `{"data":[${parts.join(',')}]}` }
}

function errorTicket(token: string, code: string): object {
  const message =
    code === 'DeviceNotRegistered'
      ? `"${token}" is not a registered push notification recipient`
      : `The push notification was refused: ${code}`
  return { status: 'error', message, details: { error: code, expoPushToken: token } }
}

/** A receipt that is not there yet, or never will be, is left out. */
export function receipts(judge: Judge, body: unknown, now: number, throwing: Dice): Answer {
  const { plan, ledger } = judge
  const ids = (body as { ids?: unknown } | null)?.ids
  if (!Array.isArray(ids) || !ids.every((id) => typeof id === 'string')) {
    judge.violate('receipts: ids is not a list of strings')
    return problem(400, 'VALIDATION_ERROR', '"ids" must be an array of strings.')
  }
  if (ids.length > MAX_RECEIPTS) {
    judge.violate(`receipts: ${ids.length} ids`)
    return problem(400, 'PUSH_TOO_MANY_RECEIPTS', `You can request at most ${MAX_RECEIPTS} receipts at a time.`)
  }
  if (throwing.roll() < plan.receipts500) return problem(500, 'INTERNAL_SERVER_ERROR', 'An unknown error occurred.')
  const data: Record<string, object> = {}
  for (const id of ids) {
    const place = ledger.placeOf(id)
    if (place === undefined) {
      judge.violate(`receipts: a ticket that was never given out: ${id}`)
      continue
    }
    ledger.receiptAsked[place]!++
    const token = ledger.tokens[place]!
    if (ledger.times[place]! + plan.receiptAfterMs > now || judge.lists.receiptMissing.has(token)) continue
    const code = plan.receiptCodes[token]
    data[id] = code === undefined ? { status: 'ok' } : { ...errorTicket(token, code) }
  }
  return { status: 200, body: JSON.stringify({ data }) }
}
