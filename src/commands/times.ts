/** Times as people type and read them: told in UTC, with the Z that says so; taken with a zone, else as the clock of this machine. */
import { CommandFault } from './fault.ts'

const unitSeconds: Record<string, number> = { s: 1, m: 60, h: 3_600, d: 86_400 }

/** `30m`, `12h`, `7d`; a bare number is seconds. */
export function secondsOf(duration: string): number {
  const [, count = '', unit = 's'] = /^(\d{1,9})([smhd])?$/.exec(duration) ?? []
  if (count === '') throw noDuration(duration)
  return Number(count) * (unitSeconds[unit] ?? 1)
}

export function noDuration(given: string): CommandFault {
  return new CommandFault(`"${given}" is no time; expected something like 30m, 12h or 7d.`)
}

const HINT = 'expected something like 2027-01-31T09:00:00Z, "2027-01-31 09:00" (this machine\'s time), or 12h from now.'

/** A time, or how long from now; as ISO 8601 in UTC. */
export function timeOf(text: string): string {
  const [isTime, day = '', clock = '00:00', zone = ''] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?) ?(Z|[+-]\d\d:?\d\d)?)?$/i.exec(text.trim()) ?? []
  // Without a clock JavaScript would take the day for one of UTC's.
  const given =
    isTime === undefined ? Date.now() + secondsFromNow(text) * 1_000 : `${day}T${clock}${zone.toUpperCase()}`
  const time = new Date(given)
  if (Number.isNaN(time.getTime())) throw noTime(text)
  return time.toISOString()
}

function secondsFromNow(text: string): number {
  if (!/^\d+[smhd]$/.test(text)) throw noTime(text)
  return secondsOf(text)
}

const noTime = (text: string): CommandFault => new CommandFault(`"${text}" is no time; ${HINT}`)

/** To the second: `2027-01-31T09:00:00Z`. */
export function told(time: string | null): string {
  return time === null ? '' : `${time.slice(0, 19)}Z`
}
