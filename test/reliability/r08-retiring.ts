/**
 * R8. No good token is ever lost: exactly those that Expo called DeviceNotRegistered are retired, not their neighbours,
 * not on other errors, not who registered again since; and a flood of them is undone and held for a person.
 */

import { eachOf } from '../kit/call.ts'
import { until } from '../kit/guard.ts'
import { mintToken } from '../kit/server.ts'
import { BOTH, inTurn, inWorld, type Run, type Test } from './kit/battery.ts'
import { nameOf, tokenOf } from './kit/ground.ts'
import type { World } from './kit/world.ts'

const GONE = 'DeviceNotRegistered'
const env = { RECEIPT_DELAY_MS: '2500' }

export const r08: Test = {
  id: 'R8',
  promise: 'the retired are exactly those that Expo truly called dead; a flood is undone and held',
  kinds: BOTH,
  run: (run) => inTurn([() => some(run), () => flood(run)]),
}

async function some(run: Run) {
  const devices = run.of(3_000, 5_000, 100_000)
  const all = Array.from({ length: devices }, (_, n) => n + 1)
  const chosen = run.chance.some(all, Math.floor(devices * 0.08))
  const share = (of: number, at: number) =>
    chosen.filter(
      (_, index) => index % 8 === at || (of > 1 && index % 8 === at + 1) || (of > 2 && index % 8 === at + 2),
    )
  const [inTicket, inReceipt, other] = [share(3, 0), share(2, 3), share(3, 5)]
  const codes = (list: number[], code: (index: number) => string) =>
    Object.fromEntries(list.map((n, index) => [tokenOf(n), code(index)]))
  const otherCode = (index: number) => ['MessageRateExceeded', 'MessageTooBig', 'SomethingNew'][index % 3]!
  const ticketCodes = {
    ...codes(inTicket, () => GONE),
    ...codes(
      other.filter((_, i) => i % 2 === 0),
      otherCode,
    ),
  }
  const receiptCodes = {
    ...codes(inReceipt, () => GONE),
    ...codes(
      other.filter((_, i) => i % 2 === 1),
      otherCode,
    ),
  }
  const back = inReceipt.filter((_, index) => index % 4 === 0).slice(0, 40)
  return inWorld(run, { devices, env, fake: { ticketCodes, receiptCodes } }, async (world) => {
    await world.start()
    const id = await world.mustPost()
    await world.settled()
    // Between the ticket and the receipt some of the dead register again.
    await eachOf(back, 8, (n) => register(world, n))
    await untilAsked(world, id, devices - Object.keys(ticketCodes).length)
    const living = new Set(back)
    const retired = new Set([...inTicket, ...inReceipt.filter((n) => !living.has(n))].map(tokenOf))
    run.note(`${inTicket.length} dead in tickets, ${inReceipt.length} in receipts, ${back.length} of them back`)
    return { faults: retired.size, expected: { retired, receipts: true } }
  })
}

async function flood(run: Run) {
  const devices = run.of(2_000, 3_000, 20_000)
  const dead = run.chance.some(
    Array.from({ length: devices }, (_, n) => tokenOf(n + 1)),
    devices / 2,
  )
  const ticketCodes = Object.fromEntries(dead.map((token) => [token, GONE]))
  const outcome = await inWorld(run, { devices, env, fake: { ticketCodes } }, async (world) => {
    await world.start()
    await world.mustPost()
    await world.settled()
    await untilUndone(world)
    run.note(`a flood: ${dead.length} of ${devices} called dead`)
    return { faults: dead.length }
  })
  const alarms = outcome.verdict?.books.alarms.filter((alarm) => alarm.kind === 'flood' && alarm.open) ?? []
  return alarms.length === 1
    ? outcome
    : { ...outcome, problems: [...outcome.problems, `${alarms.length} alarms for one flood`] }
}

/** As many are back as were taken out before it was held. */
async function untilUndone(world: World): Promise<void> {
  const told = (fact: string) => world.programs.flatMap(({ lines }) => lines.filter((line) => line.includes(fact)))
  const restored = () =>
    told('"flood.undone"').reduce((sum, line) => sum + Number(/"(\d+) push tokens/.exec(line)?.[1]), 0)
  await until('the flood to be undone', () => restored() > 0 && restored() === told('"token.retired"').length)
}

async function register(world: World, n: number): Promise<void> {
  const json = { push_token: tokenOf(n), device_type: n % 2 === 0 ? 'ios' : 'android' }
  const { status, text } = await world.call('POST', '/api/users/push-token', { json, token: mintToken(nameOf(n)) })
  if (status !== 200) throw new Error(`registering again answered ${status}: ${text}`)
}

/** Every ticket asked about, and what was heard written down. */
async function untilAsked(world: World, id: string, tickets: number): Promise<void> {
  await until(
    'the receipts',
    async () => {
      const answer = await world.operator<{ notification: { totals?: { awaiting_receipt: number } } }>(
        'GET',
        `/api/notifications/${id}`,
      )
      const { ticketsNeverAsked, receiptsAsked } = await world.expo.report()
      return (
        ticketsNeverAsked === 0 && receiptsAsked >= tickets && answer.body.notification.totals?.awaiting_receipt === 0
      )
    },
    { timeoutMs: 90_000, everyMs: 200 },
  )
}
