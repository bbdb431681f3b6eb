/** This checkout beside another one, in turns: whether a change makes a broadcast faster, on a machine that is never quiet. */
import { openBelfry } from '../contestants/belfry.ts'
import type { Ground } from '../kit/part.ts'
import { openProgress } from '../kit/progress.ts'
import { takeTurns, turnsOf, withOpen } from '../kit/rounds.ts'
import { printGroup } from '../report/table.ts'

export async function compareWith(checkout: string, parts: Omit<Ground, 'progress'>): Promise<void> {
  const { expo, blanks, size } = parts
  const { devices } = size
  const progress = openProgress(1 + turnsOf(4, size.fastRounds))
  progress.step('broadcast: four databases')
  const rows = await withOpen(async (open) => {
    const entry = async (name: string, on: 'postgres' | 'pglite', other?: string) => ({
      ...(await open(openBelfry({ name, expo, blanks, on, devices, ...(other && { checkout: other }) }))),
      ours: other === undefined,
      usesDatabase: on === 'postgres',
    })
    const entries = [
      await entry('PostgreSQL, this checkout', 'postgres'),
      await entry('PostgreSQL, the other one', 'postgres', checkout),
      await entry('embedded, this checkout', 'pglite'),
      await entry('embedded, the other one', 'pglite', checkout),
    ]
    return takeTurns({ ...parts, progress }, entries, { rounds: size.fastRounds })
  })
  progress.stop()
  const title = 'Broadcast, Expo answers at once'
  printGroup({ id: 'against', title, unit: 'notifications a second', better: 'more', rows })
}
