/** Writes what was measured into docs/benchmarks.md, between its two marks, and a chart for each group. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Machine } from '../kit/machine.ts'
import { chart } from './chart.ts'
import type { Aim, Group, Outcome } from './figures.ts'
import { cellsOf, headOf } from './table.ts'

export interface Result {
  at: string
  size: string
  seconds: number
  machine: Machine
  outcomes: Record<string, Outcome>
}

const project = join(import.meta.dirname, '..', '..')
const PAGE = 'docs/benchmarks.md'
const BEGIN = '<!-- figures: written by npm run bench -- --write -->'
const END = '<!-- end of figures -->'

export function writePage(result: Result): string {
  const path = join(project, PAGE)
  const before = readFileSync(path, 'utf8')
  const [begin, end] = [before.indexOf(BEGIN), before.indexOf(END)]
  if (begin < 0 || end < begin) throw new Error(`${PAGE} has no place for figures: ${BEGIN} … ${END}`)
  mkdirSync(join(project, 'docs', 'images'), { recursive: true })
  const outcomes = Object.values(result.outcomes)
  const groups = outcomes.flatMap((outcome) => outcome.groups)
  for (const group of groups) writeFileSync(join(project, 'docs', imageOf(group)), chart(group))
  const sections = [intro(result), ...groups.map(section), promises(outcomes.flatMap(({ aims }) => aims))]
  writeFileSync(path, `${before.slice(0, begin)}${BEGIN}\n\n${sections.join('\n\n')}\n\n${before.slice(end)}`)
  return PAGE
}

const imageOf = ({ id }: Group): string => `images/bench-${id}.svg`

function intro({ at, size, seconds, machine }: Result): string {
  const { cpu, cores, memoryGb, node, system } = machine
  const when = at.slice(0, 10)
  return `Measured on ${when} (${size} size, ${Math.round(seconds / 60)} minutes) on ${cores} cores of ${cpu}, ${memoryGb} GB, ${system}, Node ${node}. The contestant, the fake Expo and PostgreSQL share these cores.`
}

function section(group: Group): string {
  const rows = [headOf(group), headOf(group).map((_, at) => (at === 0 ? '---' : '---:'))]
  for (const row of group.rows) {
    const cells = cellsOf(group, row)
    rows.push(row.ours ? [`**${cells[0]}**`, ...cells.slice(1)] : cells)
  }
  const parts = [`### ${group.title}`, `![${group.title}](${imageOf(group)})`, markdown(rows)]
  return [...parts, ...(group.note ? [group.note] : [])].join('\n\n')
}

function promises(aims: Aim[]): string {
  const rows = aims.map(({ aim, wanted, measured, holds }) => [aim, wanted, measured, holds ? 'holds' : '**missed**'])
  return `### What we want of it, and whether it holds\n\n${markdown([['', 'wanted', 'measured', ''], ['---', '---:', '---:', '---'], ...rows])}`
}

function markdown(rows: string[][]): string {
  return rows.map((row) => `| ${row.join(' | ')} |`).join('\n')
}
