/**
 * What must be true after every run, whatever happened in it: nothing lost, nothing invented, duplicates within promise
 * 3, the books balanced and equal to Expo's own, tokens retired only for cause, no secret in a log, nothing stuck.
 */

import { RESULT } from '../../../src/domain/answers/result.ts'
import type { Report } from '../../kit/expo.ts'
import type { Columns } from '../../kit/fake-expo/ledger.ts'
import { JWT_SECRET, OPERATOR_KEY } from '../../kit/server.ts'
import { type Books, readBooks } from './books.ts'
import { CANARY, type World } from './world.ts'

export interface Expected {
  /** Push tokens that Expo truly called dead; none when not given. */
  retired?: Set<string>
  /** Push tokens that may be refused without Expo having refused them one by one (poison in a request). */
  refused?: Set<string>
  /** Most duplicates; else promise 3's sum over kills and ambiguous answers. */
  duplicates?: number
  /** Takeovers of living but silent processes, each as bad as a kill. */
  takeovers?: number
  rateLimit?: number
  concurrency?: number
  /** Processes that send at the same time; 1 when not given. */
  processes?: number
  /** When receipts were awaited: every ticket asked for at least once. */
  receipts?: boolean
  /** Not everything was waited for. */
  unfinished?: boolean
}

export interface Verdict {
  lost: number
  duplicates: number
  bound: number
  problems: string[]
  books: Books
  truth: Columns
  report: Report
}

/** Promise 3: in flight at most 2 x 6 requests of 100 in a process that dies. */
const DUPLICATES_A_KILL = 1_200
const DUPLICATES_AN_ANSWER = 100
const CONCURRENCY = 6
const MOST_AMBIGUOUS = 3

/** Stops what still runs, and judges. */
export async function checkInvariants(world: World, expected: Expected = {}): Promise<Verdict> {
  await world.stopAll()
  const [books, truth, report] = [await readBooks(world), await world.expo.ledger(), await world.expo.report()]
  const problems: string[] = []
  const say = (count: number, what: string) => void (count > 0 && problems.push(`${count} ${what}`))
  const deaths = world.kills + (expected.takeovers ?? 0)
  const ledger = compare(world, { books, truth, expected, deaths })
  const bound = expected.duplicates ?? deaths * DUPLICATES_A_KILL + report.ambiguous * DUPLICATES_AN_ANSWER
  say(ledger.lost.length, `lost, such as ${ledger.lost[0]}`)
  say(ledger.invented, 'pushes that nobody asked for')
  say(ledger.twicePlanned, 'devices that stand twice in the books of a notification')
  say(ledger.claimed, 'devices that the books call accepted or refused, and Expo does not')
  say(ledger.unknown, `devices unknown without ${MOST_AMBIGUOUS} ambiguous answers`)
  say(ledger.tooUnclear, `devices with more than ${MOST_AMBIGUOUS} ambiguous answers, those left out that a death hid`)
  if (ledger.duplicates > bound) problems.push(`${ledger.duplicates} duplicates, ${bound} allowed`)
  const perDevice = 1 + deaths + (report.ambiguous > 0 ? MOST_AMBIGUOUS - 1 : 0)
  if (ledger.mostOnOne > perDevice) problems.push(`a device rang ${ledger.mostOnOne} times, ${perDevice} allowed`)
  say(ledger.tickets, 'tickets stored twice, on another device, or never given')
  say(ledger.ticketless, 'devices that the books call accepted, without a ticket')
  say(books.unbalanced, 'notifications whose books do not balance')
  if (!expected.unfinished) for (const stuck of stuckIn(books)) problems.push(stuck)
  for (const fault of manners(report, expected)) problems.push(fault)
  for (const fault of retirement(books, expected)) problems.push(fault)
  if (expected.receipts) say(truth.asked.filter((count) => count === 0).length, 'tickets that nobody asked about')
  for (const leak of leaksIn(world)) problems.push(leak)
  return { lost: ledger.lost.length, duplicates: ledger.duplicates, bound, problems, books, truth, report }
}

interface Compared {
  books: Books
  truth: Columns
  expected: Expected
  deaths: number
}

function compare(world: World, { books, truth, expected, deaths }: Compared) {
  const tokenById = new Map(books.tokens.map(([id, token]) => [id, token]))
  const rang = counted(truth.notifications.map((id, place) => `${id} ${truth.tokens[place]}`))
  const refused = new Set(truth.refused.map((one) => `${one.notification} ${one.token}`))
  const known = new Set(books.notifications.map((one) => one.id))
  const shown = new Map<string, number>()
  let [twicePlanned, claimed, unknown, tooUnclear, ticketless] = [0, 0, 0, 0, 0]
  for (const delivery of books.deliveries) {
    if (delivery.late) continue
    delivery.token_ids.forEach((id, position) => {
      const token = tokenById.get(id) ?? `gone ${id}`
      const key = `${delivery.notification_id} ${token}`
      const result = delivery.results?.[position] ?? RESULT.pending
      if (shown.has(key)) twicePlanned++
      shown.set(key, result)
      if (result >= RESULT.accepted && result <= RESULT.no_receipt && !rang.has(key)) claimed++
      if (result === RESULT.refused && !refused.has(key) && !expected.refused?.has(token)) claimed++
      // Nobody could ever ask for its receipt.
      if (result === RESULT.accepted && !delivery.ticket_ids?.[position]) ticketless++
      const unclear = truth.unclear[delivery.notification_id]?.[token] ?? 0
      if (result === RESULT.unknown && unclear < MOST_AMBIGUOUS) unknown++
      // Expo's answer to a process that dies before it has saved it is not counted as ambiguous but as a death.
      if (unclear > MOST_AMBIGUOUS + Math.min(delivery.deaths, deaths)) tooUnclear++
    })
  }
  const everyone = Array.from({ length: world.devices }, (_, n) => `ExponentPushToken[crowd-${n + 1}]`)
  const visible: number[] = [RESULT.refused, RESULT.skipped, RESULT.expired, RESULT.cancelled, RESULT.unknown]
  const ended = new Set(
    books.notifications.filter((one) => one.state === 'cancelled' || one.state === 'expired').map((one) => one.id),
  )
  const lost: string[] = []
  for (const [id, targets] of world.accepted)
    for (const token of targets ?? everyone) {
      const key = `${id} ${token}`
      if (rang.has(key) || visible.includes(shown.get(key) ?? -1) || (ended.has(id) && !shown.has(key))) continue
      if (expected.retired?.has(token) || (expected.unfinished && shown.get(key) === RESULT.pending)) continue
      lost.push(key)
    }
  const invented = truth.notifications.filter((id) => !known.has(id)).length
  const duplicates = truth.notifications.length - rang.size
  let mostOnOne = 0
  for (const count of rang.values()) mostOnOne = Math.max(mostOnOne, count)
  return {
    lost,
    invented,
    duplicates,
    mostOnOne,
    twicePlanned,
    claimed,
    unknown,
    tooUnclear,
    ticketless,
    tickets: wrongTickets(books, truth, tokenById),
  }
}

function counted(keys: string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1)
  return counts
}

function wrongTickets(books: Books, truth: Columns, tokenById: Map<number, string>): number {
  const places = new Map(truth.tickets.map((ticket, place) => [ticket, place]))
  const stored = new Set<string>()
  let wrong = 0
  for (const { notification_id, token_ids, ticket_ids } of books.deliveries)
    ticket_ids?.forEach((ticket, position) => {
      if (ticket === null) return
      const place = places.get(ticket)
      const isRight =
        place !== undefined &&
        truth.tokens[place] === tokenById.get(token_ids[position]!) &&
        truth.notifications[place] === notification_id
      if (!isRight || stored.has(ticket)) wrong++
      stored.add(ticket)
    })
  return wrong
}

function stuckIn(books: Books): string[] {
  const open = books.notifications.filter((one) => ['queued', 'sending', 'paused'].includes(one.state)).length
  const working = ['fan-out', 'send-broadcast', 'send-direct']
  const left = books.jobs.filter(
    ({ name, state }) => working.includes(name) && ['created', 'retry', 'active'].includes(state),
  )
  const failed = books.jobs.filter(({ state }) => state === 'failed' || state === 'cancelled')
  return [
    ...(open > 0 ? [`${open} notifications that never end`] : []),
    ...(books.parked > 0 ? [`${books.parked} pieces of work parked for ever`] : []),
    ...left.map(({ name, state, count }) => `${count} jobs left in ${name}, ${state}`),
    ...failed.map(({ name, state, count }) => `${count} jobs in ${name} given up as ${state}`),
  ]
}

function manners(report: Report, expected: Expected): string[] {
  const most = (expected.concurrency ?? CONCURRENCY) * (expected.processes ?? 1)
  const tooBig = Object.keys(report.sizes).filter((size) => Number(size) > 100)
  return [
    ...report.violations.slice(0, 3).map((what) => `Expo was sent what no correct sender sends: ${what}`),
    ...tooBig.map((size) => `a request with ${size} recipients`),
    ...(report.maxInFlight > most ? [`${report.maxInFlight} requests in flight, ${most} allowed`] : []),
    ...(expected.rateLimit && report.maxPerSecond > expected.rateLimit
      ? [`${report.maxPerSecond} in a second, ${expected.rateLimit} allowed`]
      : []),
  ]
}

function retirement(books: Books, { retired = new Set() }: Expected): string[] {
  const inactive = books.tokens.filter(([, , active, reason]) => !active && reason === 'DeviceNotRegistered')
  const wrongly = inactive.filter(([, token]) => !retired.has(token))
  const missed = books.tokens.filter(([, token, active]) => active && retired.has(token))
  return [
    ...(wrongly.length > 0 ? [`${wrongly.length} good tokens retired, such as ${wrongly[0]![1]}`] : []),
    ...(missed.length > 0 ? [`${missed.length} dead tokens not retired, such as ${missed[0]![1]}`] : []),
  ]
}

/** A token in a log is cut short: `ExponentPushToken[abc…]`. */
const WHOLE_TOKEN = /Expo(?:nent)?PushToken\[[^\]…]{4,}\]/

function leaksIn(world: World): string[] {
  const secrets = [CANARY, JWT_SECRET, OPERATOR_KEY]
  const isLeak = (line: string) => WHOLE_TOKEN.test(line) || secrets.some((secret) => line.includes(secret))
  // The banner's example for a person to paste holds no token of anybody's.
  const lines = world.programs
    .flatMap((program) => program.lines)
    .filter((line) => !line.includes('put-a-real-one-here'))
  const leaks = lines.filter(isLeak)
  return leaks.length > 0 ? [`${leaks.length} log lines with a secret: ${leaks[0]!.slice(0, 160)}`] : []
}
