/** What a process has cost, as the operating system counted it. Linux tells; elsewhere it is not known (NaN). */
import { readdirSync, readFileSync } from 'node:fs'

/** Linux counts in hundredths of a second on every machine that runs Node. */
const TICKS_PER_SECOND = 100

interface Stat {
  pid: number
  parent: number
  /** Its own time, and that of children it has waited for. */
  ticks: number
}

/** CPU seconds of a process and of all below it, those that have ended included. */
export function cpuSecondsOf(root: number): number {
  const stats = allStats()
  const children = Map.groupBy(stats.values(), (stat) => stat.parent)
  const sum = (pid: number): number =>
    (children.get(pid) ?? []).reduce((ticks, child) => ticks + sum(child.pid), stats.get(pid)?.ticks ?? Number.NaN)
  return sum(root) / TICKS_PER_SECOND
}

/** Megabytes at the highest since the process began. */
export function peakRssMbOf(pid: number): number {
  return Number(/^VmHWM:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? Number.NaN) / 1024
}

function allStats(): Map<number, Stat> {
  const stats = new Map<number, Stat>()
  for (const name of listProcesses()) {
    const text = read(`/proc/${name}/stat`)
    // The name of the program stands in brackets and may hold anything; what follows it is numbers.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    if (fields.length < 15) continue
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
    stats.set(Number(name), { pid: Number(name), parent: Number(fields[1]), ticks })
  }
  return stats
}

function listProcesses(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  } catch {
    return []
  }
}

/** A process may end between being listed and being read. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
