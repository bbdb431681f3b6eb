/** What a test of the battery is: a promise, a run of it, and what the run is judged by. */
import type { Ground, Kind } from './ground.ts'
import type { Expected, Verdict } from './invariants.ts'
import { checkInvariants } from './invariants.ts'
import { type Chance, chance } from './seed.ts'
import { openWorld, type Wish, type World } from './world.ts'

/** `small` is for mutations: as little as shows the fault. */
export type Size = 'small' | 'ci' | 'full'

export interface Run {
  kind: Kind
  seed: number
  size: Size
  chance: Chance
  ground: Ground
  /** One of three, by size. */
  of<T>(small: T, ci: T, full: T): T
  /** Told while it runs. */
  note(what: string): void
  /** What took too long is a problem; on a CI machine, which others share, it is told and not judged. */
  tooSlow(what: string): string[]
}

export interface Outcome {
  /** How often the fault that this is about was really met; a run that met none is invalid. */
  faults: number
  lost: number
  duplicates: number
  bound: number
  problems: string[]
  /** Numbers worth keeping. */
  measured?: string
}

export interface Test {
  id: string
  promise: string
  kinds: Kind[]
  run(run: Run): Promise<Outcome>
}

export const BOTH: Kind[] = ['pglite', 'postgres']
export const POSTGRES: Kind[] = ['postgres']
export const PGLITE: Kind[] = ['pglite']

export function newRun(kind: Kind, seed: number, size: Size, ground: Ground, note: Run['note']): Run {
  const of = <T>(small: T, ci: T, full: T): T => (size === 'small' ? small : size === 'ci' ? ci : full)
  const tooSlow = (what: string) => {
    if (process.env.CI === undefined) return [what]
    note(`slower than promised, which is not judged on a CI machine: ${what}`)
    return []
  }
  return { kind, seed, size, chance: chance(seed), ground, of, note, tooSlow }
}

export type Story = (world: World) => Promise<Partial<Outcome> & { faults: number; expected?: Expected }>

/** The shape of most tests: a world, something happens in it, and then the invariants of everything are checked. */
export async function inWorld(
  run: Run,
  wish: Omit<Wish, 'kind'>,
  story: Story,
): Promise<Outcome & { verdict?: Verdict }> {
  const world = await openWorld(run.ground, { kind: run.kind, ...wish, fake: { seed: run.seed, ...wish.fake } })
  try {
    const { expected, problems = [], ...told } = await story(world)
    const verdict = await checkInvariants(world, expected)
    const { lost, duplicates, bound } = verdict
    return { lost, duplicates, bound, ...told, problems: [...problems, ...verdict.problems], verdict }
  } catch (error) {
    if (process.env.BELFRY_TEST_SHOW_LOG)
      for (const program of world.programs) console.error(program.lines.slice(-40).join('\n'))
    throw error
  } finally {
    await world.close()
  }
}

/** Several small worlds of one run, so many at once; their outcomes added up. */
export async function together(atOnce: number, works: (() => Promise<Outcome>)[]): Promise<Outcome> {
  const row = works[Symbol.iterator]()
  const all: Outcome[] = []
  const worker = async () => {
    for (let next = row.next(); !next.done; next = row.next()) all.push(await next.value())
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return added(all)
}

/** Parts of one run, one after the other. One that breaks off is red, and takes nothing away from what the others have found. */
export async function inTurn(parts: (() => Promise<Outcome>)[]): Promise<Outcome> {
  const all: Outcome[] = []
  for (const part of parts) all.push(await part().catch(brokenOff))
  return added(all)
}

export function brokenOff(error: unknown): Outcome {
  return { faults: 1, lost: 0, duplicates: 0, bound: 0, problems: [wordsOf(error)] }
}

/** A failed fetch says why only in its cause. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause instanceof Error ? error.cause.message : ''
  return error.message.includes(cause) ? error.message : `${error.message} (${cause})`
}

function added(all: Outcome[]): Outcome {
  const sum = (what: 'faults' | 'lost' | 'duplicates' | 'bound') => all.reduce((total, one) => total + one[what], 0)
  // One that met nothing spoils them all.
  const faults = all.some((one) => one.faults === 0) ? 0 : sum('faults')
  const measured = all.flatMap((one) => one.measured ?? []).join('; ')
  const problems = all.flatMap((one) => one.problems)
  return {
    faults,
    lost: sum('lost'),
    duplicates: sum('duplicates'),
    bound: sum('bound'),
    problems,
    ...(measured && { measured }),
  }
}
