/** The table at the end of a run. */
import { type Aim, type Group, type Row, show } from './figures.ts'

export function printGroup(group: Group): void {
  console.log(`\n${group.title}, ${group.unit}${group.note ? `\n${group.note}` : ''}`)
  printRows([headOf(group), ...group.rows.map((row) => cellsOf(group, row))])
}

export function printAims(aims: Aim[]): void {
  if (aims.length === 0) return
  console.log('\nPromised and measured')
  printRows(aims.map(({ aim, wanted, measured, holds }) => [aim, wanted, measured, holds ? 'holds' : 'MISSED']))
}

export function headOf({ unit, rows }: Group): string[] {
  return ['', unit, ...columnsOf(rows), 'lowest – highest']
}

export function cellsOf({ rows }: Group, row: Row): string[] {
  const more = columnsOf(rows).map((column) => show(row.also?.[column] ?? Number.NaN))
  return [row.name, show(row.value), ...more, `${show(Math.min(...row.runs))} – ${show(Math.max(...row.runs))}`]
}

/** What is known of at least one of them. */
function columnsOf(rows: Row[]): string[] {
  const known = rows.flatMap(({ also = {} }) => Object.keys(also).filter((column) => Number.isFinite(also[column])))
  return [...new Set(known)]
}

function printRows(rows: string[][]): void {
  const width = (column: number) => Math.max(...rows.map((row) => (row[column] ?? '').length))
  for (const row of rows)
    console.log(
      `  ${row.map((cell, at) => (at === 0 ? cell.padEnd(width(at)) : cell.padStart(width(at)))).join('   ')}`,
    )
}
