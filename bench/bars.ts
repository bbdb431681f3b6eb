/**
 * Measures what issue and README promise in numbers, on fresh servers against the fake Expo, and prints a table. Exits
 * with 1 when a bar is missed. Arguments name the parts to run: start, broadcast, kills, memory; none: all.
 */
import { openPostgres, type Postgres } from '../test/kit/postgres.ts'
import type { Bar } from './bars/bar.ts'
import { broadcastBars } from './bars/broadcast.ts'
import { killBars } from './bars/kills.ts'
import { memoryBars } from './bars/memory.ts'
import { startUpBars } from './bars/start-up.ts'

type Part = (name: string, postgres: Postgres | undefined) => Promise<Bar[]>
const parts: Record<string, Part> = { broadcast: broadcastBars, kills: killBars, memory: memoryBars }

async function measure(wanted: string[]): Promise<Bar[]> {
  const isWanted = (part: string) => wanted.length === 0 || wanted.includes(part)
  const bars = isWanted('start') ? await startUpBars() : []
  const postgres = await openPostgres(18, { durable: true })
  try {
    for (const [part, run] of Object.entries(parts).filter(([part]) => isWanted(part))) {
      for (const [name, server] of [
        ['PGlite', undefined],
        ['PostgreSQL', postgres],
      ] as const) {
        console.error(`${part}, ${name}`)
        bars.push(...(await run(name, server)))
      }
    }
  } finally {
    await postgres.close()
  }
  return bars
}

function print(bars: Bar[]): void {
  const say = (value: number, unit: string) => `${Math.round(value).toLocaleString('en')}${unit && ` ${unit}`}`
  const rows = bars.map(({ bar, limit, measured, unit }) => {
    const promised = limit === 1 ? 'none' : `< ${say(limit, unit)}`
    return [bar, promised, say(measured, unit), measured < limit ? 'ok' : 'MISSED']
  })
  const all = [['bar', 'limit', 'measured', ''], ...rows]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => row[column]!.length)))
  for (const row of all)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
}

if (import.meta.main) {
  const bars = await measure(process.argv.slice(2))
  print(bars)
  process.exit(bars.every(({ measured, limit }) => measured < limit) ? 0 : 1)
}
