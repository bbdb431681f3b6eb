/**
 * R4. Expo fails in every way it knows, and nothing is lost: what was certainly not taken is sent again, what may have
 * been taken is repeated at most until its third ambiguous answer, and then shown as unknown.
 */
import { BOTH, inWorld, type Test } from './kit/battery.ts'

export const faults = {
  status500: 0.05,
  status429: 0.025,
  status429RetryAfter: 0.025,
  resetBefore: 0.03,
  status504AfterAccept: 0.02,
  resetAfterAccept: 0.02,
  halfBody: 0.01,
  garbage: 0.01,
  shortArray: 0.01,
  slowLoris: 0.01,
  redirect: 0.005,
  gzipBomb: 0.01,
}

export const r04: Test = {
  id: 'R4',
  promise: 'Expo fails in every way it knows: nothing lost, at most three ambiguous answers for a device',
  kinds: BOTH,
  async run(run) {
    const posts = run.of(1, 2, 10)
    const devices = run.of(6_000, 6_000, 30_000)
    // A message, alone: what is taken for a final no is otherwise divided until chance lets it through.
    const fake = { faults, latencyMs: [5, 30] as [number, number], next: ['status500' as const] }
    return inWorld(run, { devices, fake, env: { EXPO_TIMEOUT_MS: '2000' } }, async (world) => {
      await world.start()
      await world.message(1)
      await world.settled()
      // A small run still meets the fault that hangs.
      await world.expo.plan({ next: ['slowLoris', 'status500', 'garbage'] })
      for (let post = 1; post <= posts; post++) {
        await world.mustPost()
        await world.settled(run.of(60_000, 120_000, 300_000))
        run.note(`post ${post} of ${posts}`)
      }
      const { faults: met } = await world.expo.report()
      const kinds = Object.keys(met)
      const count = Object.values(met).reduce((sum, n) => sum + n, 0)
      return { faults: kinds.length >= 6 ? count : 0, measured: `${kinds.length} kinds of fault` }
    })
  },
}
