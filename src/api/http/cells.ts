/** Cells of other systems' tables, as databases and their tools write them out. */

export type Cell = string | number | boolean | null | undefined

export function textOf(value: Cell): string {
  return value === null || value === undefined ? '' : String(value).trim()
}

/** As databases write yes and no; where nothing is said, a row is active. */
const activeWords: Record<string, boolean | undefined> = {
  '': true,
  null: true,
  true: true,
  t: true,
  '1': true,
  yes: true,
  false: false,
  f: false,
  '0': false,
  no: false,
}

/** Undefined: neither. */
export function activeOf(value: Cell): boolean | undefined {
  return activeWords[textOf(value).toLowerCase()]
}

const written = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?) ?(Z|[+-]\d\d(?::?\d\d)?)?)?$/i
/** What comes after it is written in a way that databases do not read. */
const LAST_TIME = Date.parse('9999-12-31T23:59:59.999Z')
/** MySQL's zero date, which stands for no time at all. */
const ZERO = /^0000-00-00/

/** Databases write `2026-01-31 09:00:00`, and mean their own time zone; UTC is the best guess. Null: not said. */
export function timeOf(value: Cell): string | null | undefined {
  const text = textOf(value)
  if (text === '' || text.toUpperCase() === 'NULL' || ZERO.test(text)) return null
  const [, day, time = '00:00', zone = 'Z'] = written.exec(text) ?? []
  const at = Date.parse(`${day}T${time}${zone.length === 3 ? `${zone}:00` : zone}`)
  return day !== undefined && at >= 0 && at <= LAST_TIME ? new Date(at).toISOString() : undefined
}
