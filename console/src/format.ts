/** Numbers and times as people read them. */

// In digits that every keyboard has: some numbers are to be typed.
const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0, numberingSystem: 'latn' })
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' })
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const clockExact = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' })

export const count = (value: number) => whole.format(value)

const dayExact = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
})
const dayAndYear = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', year: 'numeric' })

export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`
}

export const exactTime = (time: string) => full.format(new Date(time))
export const timeOfDay = (time: string) => clockExact.format(new Date(time))

/** As short as it is clear today. */
export const shortTime = (time: string) => written(time, clock, day)
/** The same, to the second. */
export const shortExactTime = (time: string) => written(time, clockExact, dayExact)

/** Farther away than this, a day is not clear without its year. */
const NEAR_MS = 300 * 86_400_000

function written(time: string, today: Intl.DateTimeFormat, near: Intl.DateTimeFormat): string {
  const at = new Date(time)
  const now = new Date()
  if (at.toDateString() === now.toDateString()) return today.format(at)
  return (Math.abs(at.getTime() - now.getTime()) < NEAR_MS ? near : dayAndYear).format(at)
}

/** Turns writing around from there on, or ends what keeps it in its place; or is no sign at all. */
const CONTROLS = /[\u202a-\u202e\u2066-\u2069]|(?![\n\t])\p{Cc}/gu

/** What strangers call themselves: with all that is in it, and nothing that makes what stands beside it say something else. */
export function plain(text: string): string {
  return text.replace(CONTROLS, (sign) => `⟨U+${sign.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`)
}

export function duration(seconds: number): string {
  if (seconds < 1) return 'less than a second'
  if (seconds < 90) return `${Math.round(seconds)} s`
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`
  const hours = Math.floor(seconds / 3_600)
  const minutes = Math.round((seconds % 3_600) / 60)
  return minutes === 0 ? `${hours} h` : `${hours} h ${minutes} min`
}

export function percent(part: number, of: number): string {
  if (of === 0) return '0 %'
  const share = (100 * part) / of
  if (part === of) return '100 %'
  return `${share < 10 ? Math.floor(share * 10) / 10 : Math.floor(share)} %`
}
