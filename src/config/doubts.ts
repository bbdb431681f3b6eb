/** Settings that are valid and hardly meant: unknown names, and values without an effect. They are told, and stop nothing. */

export interface Given {
  /** What stands in `.env`, which is for Belfry alone: every name in it should be known. */
  file: NodeJS.ProcessEnv
  /** Holds other programs' variables, too: only a name close to a setting of ours that is not set is told. */
  environment: NodeJS.ProcessEnv
  known: string[]
}

/** Short names are close to too many others': HOME is two slips from HOST. */
const SHORTEST_IN_ENVIRONMENT = 10
/** TEST_FILE is two slips from TEXTS_FILE, and DATABASE_SSL from DATABASE_URL. */
const TWO_SLIPS_FROM = 14
/** More are counted, not named. */
const MOST_NAMED = 10

export function doubts({ file, environment, known }: Given): string[] {
  const set = { ...file, ...environment }
  const unknown = Object.keys(file)
    .filter((name) => !known.includes(name))
    .map((name) => ({ name, place: '.env', meant: nearest(name, known) }))
  const long = known.filter((name) => name.length >= SHORTEST_IN_ENVIRONMENT && set[name] === undefined)
  const close = Object.keys(environment)
    .filter((name) => !known.includes(name) && file[name] === undefined)
    .map((name) => ({ name, place: 'the environment', meant: nearest(name, long) }))
    .filter(({ meant }) => meant !== undefined)
  return [...unknownNames([...unknown, ...close]), ...stage(set.NODE_ENV)]
}

interface Unknown {
  name: string
  place: string
  meant: string | undefined
}

/** A broken line of a key may look like a name: only what is written as names are is repeated. */
function unknownNames(unknown: Unknown[]): string[] {
  if (unknown.length === 0) return []
  const told = unknown
    .filter(({ name, meant }) => meant !== undefined || /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/.test(name))
    .slice(0, MOST_NAMED)
    .map(({ name, place, meant }) => `${name} in ${place}${meant === undefined ? '' : ` (did you mean ${meant}?)`}`)
  const others = unknown.length - told.length
  const counted = told.length === 0 ? [`${others} in .env`] : others === 0 ? [] : [`and ${others} more`]
  return [`There is no such setting: ${[...told, ...counted].join(', ')}.`]
}

/** What begins as these do is not meant to be production. */
const NOT_PRODUCTION = /^(dev|test|local)/i

function stage(word: string | undefined): string[] {
  const stage = word?.trim() ?? ''
  if (stage === '' || stage === 'production' || NOT_PRODUCTION.test(stage)) return []
  return [`NODE_ENV=${stage.slice(0, 60)} has no effect: only NODE_ENV=production has, written exactly so.`]
}

function nearest(name: string, known: string[]): string | undefined {
  const most = (one: string) => (one.length >= TWO_SLIPS_FROM ? 2 : 1)
  const near = known.map((one) => ({ one, slips: slipsBetween(name.toUpperCase(), one) }))
  return near.filter(({ one, slips }) => slips <= most(one)).toSorted((a, b) => a.slips - b.slips)[0]?.one
}

/** Letters left out, added, changed, or swapped with the next. */
function slipsBetween(a: string, b: string): number {
  let [before, last, row] = [[] as number[], [] as number[], Array.from({ length: b.length + 1 }, (_, at) => at)]
  for (let i = 1; i <= a.length; i++) {
    ;[before, last, row] = [last, row, [i]]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const least = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + same)
      row.push(swapped ? Math.min(least, (before[j - 2] ?? 0) + 1) : least)
    }
  }
  return row[b.length] ?? 0
}
