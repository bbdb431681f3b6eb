/** `kill -9` six times during a broadcast to 20,000: who is lost, who hears twice, and how soon it goes on. */

import { until } from '../../test/kit/guard.ts'
import type { Postgres } from '../../test/kit/postgres.ts'
import { openGround, silence } from '../ground.ts'
import type { Bar } from './bar.ts'

const DEVICES = 20_000
const KILLS = 6

export async function killBars(name: string, postgres: Postgres | undefined): Promise<Bar[]> {
  const ground = await openGround(postgres, { latencyMs: 150 })
  try {
    await ground.devices(1, DEVICES)
    await ground.start()
    const { id } = await ground.post()
    const resumed: number[] = []
    for (let kill = 0; kill < KILLS; kill++) {
      const before = (await ground.expo.pulse()).requests
      const isBusy = async () => {
        const { requests, inFlight } = await ground.expo.pulse()
        return inFlight > 0 && requests >= before + 12
      }
      await until('requests in flight', isBusy, { timeoutMs: 60_000, everyMs: 5 })
      await ground.server.kill9()
      const killed = (await ground.expo.pulse()).requests
      const started = performance.now()
      const { readyMs } = await ground.start()
      const goesOn = async () => (await ground.expo.pulse()).requests > killed
      await until('the first request after the kill', goesOn, { timeoutMs: 90_000 })
      resumed.push(performance.now() - started)
      console.error(
        `  kill ${kill + 1}: ready after ${Math.round(readyMs)} ms, sends after ${Math.round(resumed.at(-1)!)} ms`,
      )
    }
    const heard = async () => (await ground.expo.report()).notifications[id]?.devices === DEVICES
    await until('everybody', heard, { timeoutMs: 60_000, everyMs: 500 }).catch(() => undefined)
    await silence(ground.expo)
    const { devices, duplicates } = (await ground.expo.report()).notifications[id]!
    return [
      { bar: `lost after 6 kills, ${name}`, limit: 1, measured: DEVICES - devices, unit: '' },
      { bar: `doubled after 6 kills, ${name}`, limit: KILLS * 1_200 + 1, measured: duplicates, unit: '' },
      await resumeBar(name, postgres),
    ]
  } finally {
    await ground.close()
  }
}

/** Of an audience that was in flight as a whole: from the new start to the last of the repeats. */
async function resumeBar(name: string, postgres: Postgres | undefined): Promise<Bar> {
  const ground = await openGround(postgres, { latencyMs: 700 })
  try {
    await ground.devices(1, 600)
    await ground.start()
    await ground.post()
    await until('all requests in flight', async () => (await ground.expo.pulse()).inFlight === 6, { everyMs: 5 })
    await ground.server.kill9()
    const started = performance.now()
    await ground.start()
    const isSentAgain = async () => (await ground.expo.pulse()).requests === 12
    await until('the repeats', isSentAgain, { timeoutMs: 90_000 })
    const measured = performance.now() - started
    const bar = `what was in flight goes on after the restart, ${name}`
    return { bar, limit: postgres ? 30_000 : 5_000, measured, unit: 'ms' }
  } finally {
    await ground.close()
  }
}
