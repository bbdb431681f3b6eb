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
