/**
 * R11. The embedded database loses nothing that was acknowledged when its process is killed while it writes, gets over
 * a kill in its first start, and a second process on its folder is refused within two seconds, with the holder's pid.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../kit/guard.ts'
import { inTurn, inWorld, PGLITE, type Run, type Test } from './kit/battery.ts'
import { pause } from './kit/seed.ts'
import { talk } from './kit/world.ts'

/** A process needs some time before it can look at the folder at all. */
const REFUSED_MS = 2_000

export const r11: Test = {
  id: 'R11',
  promise: 'PGlite killed while writing and in its first start, started twice: nothing lost, the second refused',
  kinds: PGLITE,
  run: (run) => inTurn([() => killedWhileWriting(run), () => killedAtFirst(run)]),
}

async function killedWhileWriting(run: Run) {
  const kills = run.of(1, 4, 20)
  return inWorld(run, { devices: 200 }, async (world) => {
    const problems: string[] = []
    let program = await world.start()
    let written = 0
    for (let kill = 1; kill <= kills; kill++) {
      const talkers = Array.from({ length: 4 }, () => talk(world, 0, () => run.chance.between(1, 200)))
      try {
        await pause(run.chance.between(100, 900))
        if (kill <= run.of(1, 3, 10)) problems.push(...(await startTwice(world, program.pid)))
        await world.kill(program)
      } finally {
        written += (await Promise.all(talkers.map((one) => one.stop()))).reduce((sum, n) => sum + n, 0)
      }
      program = await world.start()
    }
    await world.settled()
    run.note(`${kills} kills, ${written} messages acknowledged`)
    return { faults: written > 0 ? kills : 0, problems }
  })
}

async function startTwice(world: Parameters<typeof talk>[0], holder: number): Promise<string[]> {
  const second = await world.start({ waitFor: 'spawned', port: await freePort() })
  let started = performance.now()
  const end = performance.now() + 20_000
  while (second.isRunning() && performance.now() < end) {
    // From the moment that it says it starts: before that it only reads its own source.
    if (!second.lines.some((line) => line.includes('starts'))) started = performance.now()
    await pause(10)
  }
  const took = performance.now() - started
  const isTold = second.lines.some((line) => line.includes(`process ${holder}`))
  if (second.isRunning()) {
    await second.kill9()
    // Nothing can be said of what two have written: it may not even open again.
    throw new Error('a second process opened the same folder')
  }
  if (!isTold) return [`the second process did not name the holder: ${second.lines.at(-1)}`]
  return took > REFUSED_MS ? [`the second process was refused only after ${took.toFixed(0)} ms`] : []
}

async function killedAtFirst(run: Run) {
  const kills = run.of(1, 3, 10)
  return inWorld(run, { devices: 0 }, async (world) => {
    let met = 0
    for (let kill = 1; kill <= kills; kill++) {
      rmSync(join(world.folder, 'data'), { recursive: true, force: true })
      const first = await world.start({ waitFor: 'spawned' })
      await pause(run.chance.between(300, 2_500))
      met += first.isRunning() ? 1 : 0
      await first.kill9()
      const next = await world.start()
      if (kill < kills) await next.stop()
    }
    await world.mustPost()
    await world.settled()
    run.note(`${kills} kills in the first start`)
    return { faults: met }
  })
}
