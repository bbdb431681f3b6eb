/** What the parts measure, in a shape that the table, the JSON and the charts all read. */

export type PartName = 'broadcast' | 'latency' | 'direct' | 'memory'

export interface Row {
  name: string
  /** The median of the runs. */
  value: number
  runs: number[]
  /** More that was seen of it: CPU seconds a million, megabytes. */
  also?: Record<string, number>
  /** Belfry, as against its peers. */
  ours?: boolean
}

/** Figures that can be compared with each other: one table, one chart. */
export interface Group {
  id: string
  title: string
  unit: string
  better: 'more' | 'less'
  rows: Row[]
  /** What a reader must know to read them. */
  note?: string
}

/** What was promised, and whether it holds here. */
export interface Aim {
  aim: string
  wanted: string
  measured: string
  holds: boolean
}

export interface Outcome {
  groups: Group[]
  aims: Aim[]
}

export const rowNamed = (group: Group, name: string): Row => {
  const row = group.rows.find((one) => one.name === name)
  if (!row) throw new Error(`${group.title} has no row "${name}"`)
  return row
}

export function atLeast(aim: string, measured: number, wanted: number, unit = ''): Aim {
  return { aim, wanted: `>= ${show(wanted)}${unit}`, measured: `${show(measured)}${unit}`, holds: measured >= wanted }
}

export function atMost(aim: string, measured: number, wanted: number, unit = ''): Aim {
  return { aim, wanted: `<= ${show(wanted)}${unit}`, measured: `${show(measured)}${unit}`, holds: measured <= wanted }
}

/** Three digits that matter, and no more. */
export function show(value: number): string {
  if (!Number.isFinite(value)) return '–'
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toLocaleString('en', { maximumFractionDigits: digits })
}
