/**
 * R13. In virtual time, from 15 minutes to 26 hours: receipts that are late, missing, or whose requests fail, and a
 * process that is down for ten hours. Every ticket is asked about; a missing receipt never retires and never resends.
 */
import { TestClock } from 'pg-boss'
import { startDelivery } from '../../src/delivery/start.ts'
import type { Clock, PushGateway } from '../../src/ports.ts'
import { openPostgres } from '../../src/store/open.ts'
import { until } from '../kit/guard.ts'
import { insertBroadcast } from '../kit/ledger.ts'
import { query } from '../kit/postgres.ts'
import { POSTGRES, type Run, type Test } from './kit/battery.ts'
import { tokenOf } from './kit/ground.ts'
import { pause } from './kit/seed.ts'

const MINUTE = 60_000
/** After the crowd was made: a token that was registered since it was sent to is not retired. */
const START = Math.ceil(Date.now() / 86_400_000) * 86_400_000 + 9 * 3_600_000
const LATE_MINUTES = 200

export const r13: Test = {
  id: 'R13',
  promise: 'late, missing and failing receipts over 26 hours: each ticket polled, none retired or resent for silence',
  kinds: POSTGRES,
  run: aDay,
}

/** Expo in this process: it knows the virtual time, and counts what it was asked. */
function openExpo(now: () => number, run: Run, devices: number) {
  const all = Array.from({ length: devices }, (_, n) => tokenOf(n + 1))
  const missing = new Set(run.chance.some(all, Math.ceil(devices / 10)))
  const late = new Set(run.chance.some(all, Math.ceil(devices / 10)))
  const gone = new Set([...late].filter((token) => !missing.has(token)).slice(0, 3))
  const sent: string[] = []
  const looks = new Map<string, number[]>()
  let failing = 2
  const gateway: PushGateway = {
    send: async (messages) => {
      const tokens = messages.flatMap((message) => message.to)
      sent.push(...tokens)
      return { kind: 'tickets', tickets: tokens.map((token) => ({ status: 'ok', id: `ticket ${token}` })) }
    },
    receipts: async (ids) => {
      const minutes = (now() - START) / MINUTE
      if (failing-- > 0) return { kind: 'later', reason: 'Expo answered 500', status: 500 }
      for (const id of ids) looks.set(id, [...(looks.get(id) ?? []), minutes])
      const known = ids.filter((id) => !missing.has(id.slice(7)) && (!late.has(id.slice(7)) || minutes > LATE_MINUTES))
      const word = (id: string) =>
        gone.has(id.slice(7))
          ? ({ status: 'error', code: 'DeviceNotRegistered', message: 'gone' } as const)
          : ({ status: 'ok' } as const)
      return { kind: 'receipts', receipts: new Map(known.map((id) => [id, word(id)])) }
    },
    close: async () => undefined,
  }
  return { gateway, sent, looks, missing, gone }
}

const systemClock: Clock = { monotonic: () => performance.now(), wait: (ms) => pause(Math.min(ms, 50)) }

async function aDay(run: Run) {
  const devices = run.of(120, 600, 6_000)
  const { databaseUrl = '' } = await run.ground.prepare('postgres', devices)
  const url = `${databaseUrl}?options=-c%20pgboss.test_clock%3Don`
  let now = START
  const expo = openExpo(() => now, run, devices)
  const emit = () => undefined
  const open = async () => {
    const clock = new TestClock(now)
    const database = await openPostgres({ url, schema: 'belfry', emit, clock })
    const options = {
      rateLimit: 0,
      maxConcurrentRequests: 6,
      timeoutMs: 5_000,
      receiptDelayMs: 15 * MINUTE,
      pushesEnabled: true,
    }
    const delivery = await startDelivery({ ...database, gateway: expo.gateway, clock: systemClock, emit, options })
    return {
      db: database.db,
      async goTo(minutes: number, ticks = 4) {
        now = START + minutes * MINUTE
        await clock.setTime(now)
        for (let tick = 0; tick < ticks; tick++) {
          await clock.tick(1_100)
          await pause(60)
        }
      },
      close: async () => (await delivery.close(5_000), database.close()),
    }
  }
  let running = await open()
  await insertBroadcast(running.db)
  await until('everybody to be sent to', async () => (await running.goTo(0), expo.sent.length >= devices), {
    timeoutMs: 30_000,
  })
  for (const minutes of [14, 16, 31, 61, 121]) await running.goTo(minutes)
  await running.close()
  now = START + (121 + 600) * MINUTE
  run.note('ten hours down')
  running = await open()
  for (const minutes of [722, 962, 1_382, 1_500, 1_560]) await running.goTo(minutes, 6)
  await running.close()
  const rows = await query<{ token: string }>(databaseUrl, 'select token from belfry.push_tokens where not active')
  const [sums] = await query<{ handed_over: number; failed: number; no_receipt: number; accepted: number }>(
    databaseUrl,
    'select sum(handed_over)::int as handed_over, sum(failed)::int as failed, sum(no_receipt)::int as no_receipt, sum(accepted)::int as accepted from belfry.deliveries',
  )
  const problems: string[] = []
  const expect = (isRight: boolean, what: string) => void (isRight || problems.push(what))
  const silent = [...expo.missing].map((token) => expo.looks.get(`ticket ${token}`)?.length ?? 0)
  expect(expo.sent.length === devices, `${expo.sent.length} sent to ${devices} devices`)
  expect(expo.looks.size === devices, `${devices - expo.looks.size} tickets nobody asked about`)
  expect(
    [...expo.looks.values()].every((looks) => looks[0]! >= 15),
    'a receipt asked for before it was due',
  )
  expect(Math.min(...silent) >= 4, `a missing receipt was looked for only ${Math.min(...silent)} times`)
  expect(
    rows.length === expo.gone.size && rows.every((row) => expo.gone.has(row.token)),
    `${rows.length} retired, ${expo.gone.size} are gone`,
  )
  expect(
    sums?.no_receipt === expo.missing.size,
    `${sums?.no_receipt} without a receipt, ${expo.missing.size} never had one`,
  )
  expect(sums?.handed_over === devices - expo.missing.size - expo.gone.size, `${sums?.handed_over} handed over`)
  return { faults: expo.missing.size, lost: 0, duplicates: expo.sent.length - devices, bound: 0, problems }
}
