/**
 * The battery: `npm run test:reliability` in CI size, `-- --full` for ten times that, `-- --only R4 --seed 7` to replay
 * one. Says what it does while it runs, and ends with a table; a run that never met its fault is invalid, not green.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { brokenOff, newRun, type Outcome, type Size, type Test } from './kit/battery.ts'
import { type Kind, openGround } from './kit/ground.ts'
import { tests } from './tests.ts'

const { values } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    small: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    kind: { type: 'string' },
    seed: { type: 'string' },
    runs: { type: 'string', default: '1' },
  },
})
const size: Size = values.full ? 'full' : values.small ? 'small' : 'ci'
const firstSeed = values.seed === undefined ? Math.floor(Math.random() * 1_000_000) : Number(values.seed)
const only = new Set(values.only.flatMap((ids) => ids.split(',')))

interface Row {
  id: string
  kind: Kind
  seed: number
  seconds: number
  outcome: Outcome
}

const began = performance.now()
const clock = () => `${((performance.now() - began) / 1_000).toFixed(0).padStart(4)} s`
const ground = openGround()
const rows: Row[] = []
try {
  for (const test of tests.filter((one) => only.size === 0 || only.has(one.id)))
    for (const kind of test.kinds.filter((one) => values.kind === undefined || one === values.kind))
      for (let seed = firstSeed; seed < firstSeed + Number(values.runs); seed++)
        rows.push(await runOne(test, kind, seed))
} finally {
  await ground.close()
}
print(rows)
const passed = rows.filter(isGreen).length
mkdirSync('.tmp', { recursive: true })
writeFileSync('.tmp/reliability.json', JSON.stringify({ passed, failed: rows.length - passed }))
process.exit(rows.length > 0 && rows.every(isGreen) ? 0 : 1)

async function runOne(test: Test, kind: Kind, seed: number): Promise<Row> {
  const from = performance.now()
  console.log(`${clock()}  ${test.id} on ${kind}, seed ${seed}: ${test.promise}`)
  const note = (what: string) => console.log(`${clock()}  ${test.id}   ${what}`)
  const outcome = await test.run(newRun(kind, seed, size, ground, note)).catch(brokenOff)
  const row = { id: test.id, kind, seed, seconds: (performance.now() - from) / 1_000, outcome }
  for (const problem of outcome.problems) console.log(`${clock()}  ${test.id}   RED: ${problem}`)
  console.log(`${clock()}  ${test.id} ${wordFor(row)} after ${row.seconds.toFixed(1)} s`)
  return row
}

function isGreen({ outcome }: Row): boolean {
  return outcome.problems.length === 0 && outcome.faults > 0
}

function wordFor(row: Row): string {
  if (row.outcome.problems.length > 0) return 'RED'
  return row.outcome.faults === 0 ? 'INVALID: its fault was never met' : 'green'
}

function print(all: Row[]): void {
  const head = ['id', 'database', 'seed', 'faults met', 'lost', 'duplicates / bound', 'seconds', 'verdict', '']
  const lines = all.map((row) => {
    const { faults, lost, duplicates, bound, measured = '' } = row.outcome
    const numbers = [String(faults), String(lost), `${duplicates} / ${bound}`, row.seconds.toFixed(1)]
    return [row.id, row.kind, String(row.seed), ...numbers, wordFor(row), measured]
  })
  const widths = head.map((name, column) => Math.max(name.length, ...lines.map((line) => line[column]!.length)))
  console.log(`\nThe battery, ${size} size, ${new Date().toISOString().slice(0, 10)}, Node ${process.version}:\n`)
  for (const line of [head, widths.map((width) => '-'.repeat(width)), ...lines])
    console.log(`| ${line.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`)
  const red = all.filter((row) => !isGreen(row))
  const verdict =
    red.length === 0
      ? 'all green'
      : `${red.length} not green: ${red.map((row) => `${row.id} (${row.kind})`).join(', ')}`
  console.log(`\n${all.length} runs in ${clock().trim()}: ${verdict}`)
}
