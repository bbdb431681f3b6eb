/**
 * R12. Schedules go by the database's clock: a worker whose own clock is an hour off, or jumps by days, sends nothing
 * early, nothing late, expires nothing, and asks for receipts when they are due.
 */
import { until } from '../kit/guard.ts'
import { inTurn, inWorld, type Outcome, POSTGRES, type Run, type Test } from './kit/battery.ts'

const HOUR = 3_600_000
const jumps: Record<string, string> = {
  'an hour ahead': `0:${HOUR}`,
  'two days behind': `0:${-48 * HOUR}`,
  'an hour behind, then 25 hours ahead': `0:${-HOUR},1500:${25 * HOUR}`,
}
const RECEIPT_DELAY_MS = 2_000
/** Polls are a second apart, and the machine is shared. */
const LATE_MS = 5_000

export const r12: Test = {
  id: 'R12',
  promise: 'the application clock is wrong by hours or jumps by days: nothing early, nothing late',
  kinds: POSTGRES,
  run: (run) =>
    inTurn(
      Object.keys(jumps)
        .slice(0, run.of(2, 3, 3))
        .map((name) => () => jumped(run, name)),
    ),
}

async function jumped(run: Run, name: string): Promise<Outcome> {
  const devices = run.of(300, 1_500, 20_000)
  const env = { RECEIPT_DELAY_MS: String(RECEIPT_DELAY_MS) }
  const outcome = await inWorld(run, { devices, env }, async (world) => {
    await world.start({ role: 'api' })
    const worker = await world.start({ role: 'worker', clock: jumps[name]! })
    const problems: string[] = []
    const at = Date.now() + 3_000
    await world.mustPost()
    const later = await world.notify({ to: 'everyone', send_at: new Date(at).toISOString(), ttl: 60 })
    await world.settled()
    const { firstAt, devices: rang } = (await world.expo.report()).notifications[later] ?? { firstAt: 0, devices: 0 }
    if (rang !== devices) problems.push(`${rang} of ${devices} devices got what was sent for later`)
    else if (firstAt < at || firstAt > at + LATE_MS)
      problems.push(`sent ${((firstAt - at) / 1_000).toFixed(1)} s after its time`)
    const asked = async () => (await world.expo.report()).ticketsNeverAsked === 0
    const early = (await world.expo.ledger()).asked.filter((count) => count > 0).length
    const { lastAt } = (await world.expo.report()).notifications[later] ?? { lastAt: 0 }
    if (performance.timeOrigin + performance.now() < lastAt + RECEIPT_DELAY_MS / 2 && early === devices * 2)
      problems.push('receipts were asked for early')
    await until('the receipts', asked, { timeoutMs: RECEIPT_DELAY_MS + 3 * LATE_MS }).catch(() =>
      problems.push('receipts were not asked for in time'),
    )
    const wrong = worker.lines
      .flatMap((line) => /"time":"([^"]+)"/.exec(line)?.[1] ?? [])
      .some((time) => Math.abs(Date.parse(time) - Date.now()) > HOUR / 2)
    run.note(name)
    return { faults: wrong ? 1 : 0, problems, expected: { duplicates: 0, processes: 1, receipts: true } }
  })
  return { ...outcome, problems: outcome.problems.map((problem) => `${name}: ${problem}`) }
}
