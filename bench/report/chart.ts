/** A chart as plain SVG: one bar a row, readable on light and on dark pages, because it brings its own ground. */
import { type Group, type Row, show } from './figures.ts'

const WIDTH = 760
const LABELS = 290
const VALUES = 90
const ROW = 30
const TOP = 62
const BOTTOM = 18

const style = `
    .ground { fill: #ffffff; stroke: #d0d7de }
    .title { fill: #1f2328; font: 600 16px system-ui, sans-serif }
    .unit { fill: #59636e; font: 13px system-ui, sans-serif }
    .name { fill: #1f2328; font: 13px system-ui, sans-serif; text-anchor: end }
    .ours { font-weight: 600 }
    .value { fill: #1f2328; font: 600 13px system-ui, sans-serif }
    .peer { fill: #afb8c1 }
    .mine { fill: #6639ba }
    .range { stroke: #59636e; stroke-width: 1.5 }
    @media (prefers-color-scheme: dark) {
      .ground { fill: #0d1117; stroke: #30363d }
      .title, .name, .value { fill: #e6edf3 }
      .unit { fill: #9198a1 }
      .peer { fill: #656c76 }
      .mine { fill: #ab7df8 }
      .range { stroke: #9198a1 }
    }`

export function chart(group: Group): string {
  const height = TOP + group.rows.length * ROW + BOTTOM
  const most = Math.max(...group.rows.map(highest))
  const room = WIDTH - LABELS - VALUES - 24
  const bars = group.rows.map((row, at) => bar(row, TOP + at * ROW, (value) => (room * value) / most))
  const heading = `${group.title}: ${group.rows.map((row) => `${row.name} ${show(row.value)}`).join('; ')}`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escape(`${heading} (${group.unit})`)}">
  <style>${style}
  </style>
  <rect class="ground" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8"/>
  <text class="title" x="20" y="30">${escape(group.title)}</text>
  <text class="unit" x="20" y="49">${escape(`${group.unit}; ${group.better} is better`)}</text>
${bars.join('\n')}
</svg>
`
}

/** What the widest bar must hold: runs of single requests have outliers that would flatten everything else. */
const highest = (row: Row): number => (hasRange(row) ? Math.max(row.value, ...row.runs) : row.value)
const hasRange = (row: Row): boolean => row.runs.length > 1 && row.runs.length <= 10

function bar(row: Row, y: number, scale: (value: number) => number): string {
  const width = Math.max(2, scale(row.value))
  const middle = y + ROW / 2
  const [low, high] = [Math.min(...row.runs), Math.max(...row.runs)].map((value) => LABELS + scale(value)) as [
    number,
    number,
  ]
  const range = hasRange(row)
    ? `\n  <path class="range" d="M${low.toFixed(1)} ${middle}H${high.toFixed(1)}M${low.toFixed(1)} ${middle - 4}v8M${high.toFixed(1)} ${middle - 4}v8"/>`
    : ''
  const end = Math.max(LABELS + width, hasRange(row) ? high : 0)
  return `  <text class="name${row.ours ? ' ours' : ''}" x="${LABELS - 10}" y="${middle + 4}">${escape(row.name)}</text>
  <rect class="${row.ours ? 'mine' : 'peer'}" x="${LABELS}" y="${y + 5}" width="${width.toFixed(1)}" height="${ROW - 10}" rx="3"/>${range}
  <text class="value" x="${(end + 8).toFixed(1)}" y="${middle + 4}">${show(row.value)}</text>`
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
