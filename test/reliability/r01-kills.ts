/**
 * R1. Accepted is durable, and nothing is lost: whatever was answered 2xx reaches every device although the process is
 * killed again and again in the middle of it; a kill costs at most 1,200 duplicates.
 */
import { BOTH, inWorld, type Test } from './kit/battery.ts'
import { pause } from './kit/seed.ts'
import { isIdle, talk, untilBusy, type World } from './kit/world.ts'

export const r01: Test = {
  id: 'R1',
  promise: 'killed at random under load, nothing that was accepted is lost',
  kinds: BOTH,
  async run(run) {
    const { chance } = run
    const kills = run.of(3, 4, 20)
    const devices = run.of(3_000, 10_000, 100_000)
    return inWorld(run, { devices, fake: { latencyMs: [40, 160] } }, async (world) => {
      let program = await world.start()
      let cutOff = 0
      for (let kill = 1; kill <= kills; kill++) {
        const talking = talk(world, 5, () => chance.between(1, devices))
        // Every other time it dies with its answer to a post still on the wire.
        if (kill === 1 || (await isIdle(world))) await world.mustPost()
        if (kill % 2 === 1) await untilBusy(world, chance.between(3, 12)).catch(() => undefined)
        else await untilAnswered(world)
        await pause(chance.between(0, 3))
        cutOff += (await world.kill(program)) > 0 ? 1 : 0
        await talking.stop()
        program = await world.start()
        run.note(`kill ${kill} of ${kills}, ${world.accepted.size} notifications accepted so far`)
      }
      await world.settled(run.of(60_000, 60_000, 300_000))
      return { faults: cutOff, measured: `${world.accepted.size} notifications` }
    })
  },
}

/** A message that was answered this very moment. */
async function untilAnswered(world: World): Promise<void> {
  const before = world.accepted.size
  const end = performance.now() + 5_000
  while (world.accepted.size === before && performance.now() < end) await new Promise(setImmediate)
}
