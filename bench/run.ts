/**
 * `npm run bench`: measures Belfry beside its peers, on this machine, and says which promises hold. A table at the
 * end, JSON in bench/results/latest.json, and with --write the figures and charts of docs/benchmarks.md.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { startFakeExpo } from '../test/kit/expo.ts'
import { openPostgres } from '../test/kit/postgres.ts'
import { openBlanks } from './kit/blanks.ts'
import { machine } from './kit/machine.ts'
import type { Part } from './kit/part.ts'
import { openProgress } from './kit/progress.ts'
import { type Size, sizes } from './kit/size.ts'
import { compareWith } from './parts/against.ts'
import { broadcast } from './parts/broadcast.ts'
import { direct } from './parts/direct.ts'
import { latency } from './parts/latency.ts'
import { memory } from './parts/memory.ts'
import { profile } from './parts/profile.ts'
import type { Outcome, PartName } from './report/figures.ts'
import { writePage } from './report/page.ts'
import { printAims, printGroup } from './report/table.ts'

const parts: Record<PartName, Part> = { broadcast, latency, direct, memory }
const partNames = Object.keys(parts) as PartName[]
const USAGE = `npm run bench -- [--quick | --full] [--only ${partNames.join('|')}] [--write] | --profile | --against <checkout>`

interface Wish {
  size: Size
  parts: PartName[]
  write: boolean
  profile: boolean
  against: string | undefined
}

function readWish(): Wish {
  const flag = { type: 'boolean', default: false } as const
  const { values } = parseArgs({
    options: {
      quick: flag,
      full: flag,
      write: flag,
      profile: flag,
      only: { type: 'string', multiple: true },
      against: { type: 'string' },
    },
  })
  const only = values.only?.flatMap((names) => names.split(',')) ?? partNames
  const unknown = only.filter((name) => !partNames.includes(name as PartName))
  if (unknown.length > 0) throw new Error(`there is no part "${unknown.join('", "')}"`)
  const size = sizes[values.quick ? 'quick' : values.full ? 'full' : 'usual']
  return { size, parts: only as PartName[], write: values.write, profile: values.profile, against: values.against }
}

async function run(wish: Wish): Promise<void> {
  const started = performance.now()
  await using opened = new AsyncDisposableStack()
  const expo = await startFakeExpo({ remember: false })
  opened.defer(() => expo.close())
  const postgres = await openPostgres(18, { durable: true })
  opened.defer(() => postgres.close())
  const blanks = openBlanks(postgres)
  opened.defer(() => blanks.close())
  const ground = { size: wish.size, expo, postgres, blanks }
  if (wish.profile) {
    await profile(ground)
    return
  }
  if (wish.against !== undefined) {
    await compareWith(resolve(wish.against), ground)
    return
  }

  const progress = openProgress(wish.parts.reduce((sum, name) => sum + parts[name].steps(wish.size), 0))
  const outcomes: Partial<Record<PartName, Outcome>> = {}
  try {
    for (const name of wish.parts) outcomes[name] = await parts[name].run({ ...ground, progress })
  } finally {
    progress.stop()
  }
  const all = Object.values(outcomes)
  for (const group of all.flatMap(({ groups }) => groups)) printGroup(group)
  printAims(all.flatMap(({ aims }) => aims))
  const result = {
    at: new Date().toISOString(),
    size: wish.size.name,
    seconds: Math.round((performance.now() - started) / 1000),
    machine: machine(),
    outcomes,
  }
  const folder = join(import.meta.dirname, 'results')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'latest.json'), `${JSON.stringify(result, undefined, 2)}\n`)
  console.log(`\n${result.seconds} s; bench/results/latest.json has every run`)
  if (wish.write) console.log(`${writePage(result)} written`)
}

try {
  const wish = readWish()
  await run(wish)
} catch (error) {
  const { code, message, stack } = error as NodeJS.ErrnoException
  const isWish = code?.startsWith('ERR_PARSE_ARGS') || message.startsWith('there is no part')
  console.error(isWish ? `${message}\n${USAGE}` : stack)
  process.exitCode = 1
}
