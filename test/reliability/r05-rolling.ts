/** R5. Many processes over one PostgreSQL, restarted one after the other during a broadcast: no device twice, none left out. */
import { inTurn, inWorld, type Outcome, POSTGRES, type Run, type Test } from './kit/battery.ts'
import { talk, untilBusy } from './kit/world.ts'

export const r05: Test = {
  id: 'R5',
  promise: 'rolling restarts of several workers: not one duplicate without a kill',
  kinds: POSTGRES,
  run: (run) => inTurn(run.of([2], [3], [2, 3, 4]).map((workers) => () => roll(run, workers))),
}

async function roll(run: Run, workers: number): Promise<Outcome> {
  const devices = run.of(8_000, 15_000, 50_000)
  const rounds = run.of(1, 1, 2)
  return inWorld(run, { devices, fake: { latencyMs: [150, 450] } }, async (world) => {
    const apis = [await world.start({ role: 'api' }), await world.start({ role: 'api' })]
    const working = await Promise.all(Array.from({ length: workers }, () => world.start({ role: 'worker' })))
    const problems: string[] = []
    const talking = talk(world, 20, () => run.chance.between(1, devices))
    let met = 0
    await world.mustPost()
    for (let round = 0; round < rounds; round++)
      for (const row of [working, apis])
        for (let place = 0; place < row.length; place++) {
          if (row === working) await untilBusy(world, 2, 5_000).catch(() => world.mustPost())
          met += (await world.expo.pulse()).inFlight > 0 ? 1 : 0
          const { role } = row[place]!
          const code = await row[place]!.stop()
          if (code !== 0) problems.push(`a stop of ${role} ended with ${code}`)
          row[place] = await world.start({ role })
          run.note(`${role} ${place + 1} restarted`)
        }
    await talking.stop()
    await world.settled(120_000)
    return { faults: met, problems, expected: { duplicates: 0, processes: workers } }
  })
}
