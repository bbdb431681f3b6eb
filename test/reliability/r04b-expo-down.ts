/**
 * R4b. Expo cannot be reached for a while: only probes try, then everything goes out at the configured rate; what
 * expired meanwhile is not sent late.
 */
import { until } from '../kit/guard.ts'
import { inWorld, POSTGRES, type Test } from './kit/battery.ts'
import { openProxy, type Proxy } from './kit/proxy.ts'
import { pause } from './kit/seed.ts'

const RATE = 600

export const r04b: Test = {
  id: 'R4b',
  promise: 'Expo down: probes only; back: it drains at the rate, and what expired is not sent',
  kinds: POSTGRES,
  async run(run) {
    const devices = run.of(2_000, 4_000, 20_000)
    const downMs = run.of(8_000, 10_000, 60_000)
    let toExpo: Proxy | undefined
    const sendUrl = async (real: string) => {
      const url = new URL(real)
      toExpo = await openProxy(Number(url.port))
      await toExpo.refuse(true)
      return Object.assign(url, { port: toExpo.port }).href
    }
    const wish = { devices, sendUrl, env: { EXPO_RATE_LIMIT: String(RATE) }, fake: { rateLimit: RATE, latencyMs: 50 } }
    try {
      return await inWorld(run, wish, async (world) => {
        const program = await world.start()
        const problems: string[] = []
        const tries = () => program.lines.filter((line) => line.includes('"request.failed"')).length
        const stale = await world.notify({ to: 'everyone', ttl: 3 })
        const id = await world.mustPost()
        await until('the breaker to open', () => program.lines.some((line) => line.includes('"breaker.opened"')), {
          timeoutMs: 60_000,
        })
        const before = tries()
        await pause(downMs)
        const probes = tries() - before
        const most = 8 + downMs / 2_000
        if (probes > most) problems.push(`${probes} requests in ${downMs} ms of outage, ${most} probes allowed`)
        run.note(`${before} requests until the breaker opened, then ${probes} probes`)
        await toExpo!.refuse(false)
        await world.settled(120_000)
        const report = await world.expo.report()
        if (report.notifications[stale])
          problems.push(`${report.notifications[stale].accepted} pushes of what had expired`)
        const truth = report.notifications[id]
        if (truth?.devices !== devices) problems.push(`${truth?.devices ?? 0} of ${devices} devices`)
        return {
          faults: before,
          problems,
          expected: { rateLimit: RATE, duplicates: 0 },
          measured: `${probes} probes in ${downMs / 1_000} s`,
        }
      })
    } finally {
      await toExpo?.close()
    }
  },
}
