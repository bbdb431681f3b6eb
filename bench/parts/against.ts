/** This checkout beside another one, in turns: whether a change makes a broadcast faster, on a machine that is never quiet. */
import { openBelfry } from '../contestants/belfry.ts'
import type { Ground } from '../kit/part.ts'
import { openProgress } from '../kit/progress.ts'
import { takeTurns, turnsOf, withOpen } from '../kit/rounds.ts'
import { printGroup } from '../report/table.ts'

export async function compareWith(checkout: string, parts: Omit<Ground, 'progress'>): Promise<void> {
  const { expo, postgres, size } = parts
  const { devices } = size
  const progress = openProgress(1 + turnsOf(4, size.rounds))
  progress.step('broadcast: four databases')
  const rows = await withOpen(async (open) => {
    const on = async (name: string, database: Partial<typeof parts>, other?: string) => ({
      ...(await open(openBelfry({ name, expo, devices, ...database, ...(other && { checkout: other }) }))),
      ours: other === undefined,
      usesDatabase: database.postgres !== undefined,
    })
    return takeTurns({ ...parts, progress }, [
      await on('PostgreSQL, this checkout', { postgres }),
      await on('PostgreSQL, the other one', { postgres }, checkout),
      await on('embedded, this checkout', {}),
      await on('embedded, the other one', {}, checkout),
    ])
  })
  progress.stop()
  const title = 'Broadcast, Expo answers at once'
  printGroup({ id: 'against', title, unit: 'notifications a second', better: 'more', rows })
}
