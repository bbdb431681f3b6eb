/** Memory does not grow with the audience: the highest RSS during a broadcast to 1,000, to 100,000, and once more. */
import type { Postgres } from '../../test/kit/postgres.ts'
import { type Ground, openGround, silence } from '../ground.ts'
import type { Bar } from './bar.ts'

const [FEW, MANY] = [1_000, 100_000]

export async function memoryBars(name: string, postgres: Postgres | undefined): Promise<Bar[]> {
  const ground = await openGround(postgres)
  try {
    await ground.devices(1, FEW)
    await ground.start()
    const few = await highestDuringBroadcast(ground)
    // Nobody can look into the embedded database while it runs, so there the second measurement is of a new process.
    if (!postgres) await ground.server.stop()
    await ground.devices(FEW + 1, MANY)
    if (!postgres) await ground.start()
    const many = await highestDuringBroadcast(ground)
    const again = await highestDuringBroadcast(ground)
    console.error(
      `  highest RSS: ${FEW} ${Math.round(few)} MB, ${MANY} ${Math.round(many)} MB, again ${Math.round(again)} MB`,
    )
    return [
      {
        bar: `RSS from 1,000 to 100,000 devices, ${name}`,
        limit: postgres ? 60 : 120,
        measured: many - few,
        unit: 'MB',
      },
      { bar: `RSS that a second 100,000 add, ${name}`, limit: 25, measured: again - many, unit: 'MB' },
    ]
  } finally {
    await ground.close()
  }
}

async function highestDuringBroadcast(ground: Ground): Promise<number> {
  await ground.expo.reset({ remember: false })
  let highest = 0
  const look = () => (highest = Math.max(highest, ground.server.rssKb() / 1024))
  const timer = setInterval(look, 20)
  try {
    await ground.post()
    await silence(ground.expo)
  } finally {
    clearInterval(timer)
  }
  look()
  return highest
}
