/**
 * R4c. Troubles do not come one by one: the process is killed while Expo fails in every way it knows and the database
 * has just been lost. Nothing is lost, and each trouble costs no more than it does alone.
 */
import { inWorld, POSTGRES, type Run, type Test } from './kit/battery.ts'
import type { Program } from './kit/program.ts'
import { pause } from './kit/seed.ts'
import { isIdle, talk, untilBusy, type World } from './kit/world.ts'
import { faults } from './r04-expo-fails.ts'

type Stroke = 'cut' | 'cut and kill'

interface Met {
  cuts: number
  /** Kills that cut off requests in flight. */
  kills: number
}

export const r04c: Test = {
  id: 'R4c',
  promise: 'killed while Expo fails in every way and the database is cut: nothing lost, duplicates within the promise',
  kinds: POSTGRES,
  async run(run) {
    const strokes: Stroke[] = run.of(
      ['cut', 'cut and kill'],
      ['cut', 'cut and kill', 'cut', 'cut and kill', 'cut'],
      Array.from({ length: 30 }, (_, place) => (place % 3 === 1 ? 'cut and kill' : 'cut')),
    )
    const devices = run.of(6_000, 8_000, 20_000)
    const fake = { faults, latencyMs: [40, 160] as [number, number] }
    const env = { EXPO_TIMEOUT_MS: '2000' }
    return inWorld(run, { devices, proxied: true, fake, env }, async (world) => {
      let program = await world.start()
      await doom(world)
      const talking = talk(world, 20, () => run.chance.between(1, devices))
      const met: Met = { cuts: 0, kills: 0 }
      for (const [place, stroke] of strokes.entries()) {
        program = await strike(world, program, stroke, run, met)
        run.note(`${stroke}, ${place + 1} of ${strokes.length}; ${world.accepted.size} notifications accepted so far`)
      }
      await talking.stop()
      await world.settled(run.of(120_000, 120_000, 300_000))
      const { faults: failed, ambiguous } = await world.expo.report()
      const kinds = Object.keys(failed).length
      const failures = Object.values(failed).reduce((sum, n) => sum + n, 0)
      const isMet = met.kills > 0 && met.cuts > 0 && kinds >= 6
      const measured = `${world.kills} kills, ${met.kills} with requests in flight; ${met.cuts} cuts; ${kinds} kinds of fault, ${ambiguous} ambiguous answers`
      return { faults: isMet ? failures + met.cuts + met.kills : 0, measured }
    })
  },
}

/** A message, alone, that meets only answers that nobody understands, and one more than it may: chance is rarely so unkind. */
async function doom(world: World): Promise<void> {
  await world.expo.plan({ next: ['resetAfterAccept', 'status500', 'halfBody', 'status504AfterAccept'] })
  const { status } = await world.message(1)
  if (status !== 200) throw new Error(`a message was answered ${status}`)
  await world.settled()
}

/** Always in the middle of a broadcast. A kill comes before what the cut spoiled is mended. @returns what runs then. */
async function strike(world: World, program: Program, stroke: Stroke, run: Run, met: Met): Promise<Program> {
  if (await isIdle(world)) await world.mustPost()
  await untilBusy(world, run.chance.between(3, 12), 5_000).catch(() => undefined)
  met.cuts += world.proxy!.cut() > 0 ? 1 : 0
  if (stroke === 'cut') {
    await pause(run.chance.between(100, run.of(1_000, 1_000, 4_000)))
    return program
  }
  await pause(run.chance.between(0, 150))
  met.kills += (await world.kill(program)) > 0 ? 1 : 0
  return world.start()
}
