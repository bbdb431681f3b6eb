/** R15. A stop is not a fault: SIGTERM under load ends with exit code 0, and no device rings twice or not at all. */
import { inWorld, POSTGRES, type Test } from './kit/battery.ts'
import { pause } from './kit/seed.ts'
import { talk, untilBusy } from './kit/world.ts'

export const r15: Test = {
  id: 'R15',
  promise: 'SIGTERM under load: exit 0, nothing lost, nothing twice',
  kinds: ['pglite', ...POSTGRES],
  async run(run) {
    const stops = run.of(2, 4, 20)
    const devices = run.of(4_000, 10_000, 50_000)
    return inWorld(run, { devices, fake: { latencyMs: [40, 200] } }, async (world) => {
      const problems: string[] = []
      let met = 0
      let program = await world.start()
      for (let stop = 1; stop <= stops; stop++) {
        const talking = talk(world, 10, () => run.chance.between(1, devices))
        await untilBusy(world, run.chance.between(2, 6), stop === 1 ? 1 : 8_000).catch(() => world.mustPost())
        await untilBusy(world, 1, 8_000)
        await pause(run.chance.between(0, 60))
        met += (await world.expo.pulse()).inFlight > 0 ? 1 : 0
        const code = await program.stop()
        await talking.stop()
        if (code !== 0) problems.push(`stop ${stop} ended with ${code}`)
        program = await world.start()
        run.note(`stop ${stop} of ${stops}`)
      }
      await world.settled(120_000)
      return { faults: met, problems, expected: { duplicates: 0 } }
    })
  },
}
