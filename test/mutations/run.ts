/**
 * `npm run test:mutations`: sabotages a copy of the project, one fault at a time, and runs the test that must turn red
 * at its smallest size. Caught is what is red for the reason that the sabotage names; a survivor is a defect of the test.
 * Red for another reason (a time limit on a busy machine, a start that failed) has shown nothing, and is run once more.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Sabotage, sabotages } from './sabotage.ts'

const { values } = parseArgs({
  options: { only: { type: 'string', multiple: true, default: [] }, seed: { type: 'string', default: '1' } },
})
const only = new Set(values.only.flatMap((ids) => ids.split(',')))
const project = join(import.meta.dirname, '..', '..')
const LONGEST_MS = 240_000
/** What a machine is too slow for says nothing about what was done to the program, but where that is the sign of it. */
const TIME_LIMIT = /timed out in \d+ms|in vain for /

type Fate = 'caught' | 'SURVIVED' | 'RED FOR ANOTHER REASON' | 'NOT APPLIED'
interface Told {
  fate: Fate
  why: string
}
const fates: { sabotage: Sabotage; fate: Fate; why: string }[] = []
for (const sabotage of sabotages.filter((one) => only.size === 0 || only.has(one.id))) {
  const first = attempt(sabotage)
  const told = first.fate === 'RED FOR ANOTHER REASON' ? attempt(sabotage) : first
  fates.push({ sabotage, ...told })
  const { id, what, test, kind } = sabotage
  console.log(`${told.fate.padEnd(22)} ${id.padEnd(4)} ${what} (${test} on ${kind}): ${told.why}`)
}
const failed = fates.filter((one) => one.fate !== 'caught')
console.log(
  `\n${fates.length - failed.length} of ${fates.length} caught${failed.length > 0 ? `; not: ${failed.map((one) => one.sabotage.id).join(', ')}` : ''}`,
)
process.exit(failed.length === 0 ? 0 : 1)

function attempt(sabotage: Sabotage): Told {
  const copy = copyOfProject()
  try {
    if (!apply(copy, sabotage)) return { fate: 'NOT APPLIED', why: `the piece is not in ${sabotage.file}` }
    if (sabotage.file.startsWith('console/') && !buildConsole(copy)) return { fate: 'NOT APPLIED', why: 'no build' }
    return sabotage.test.endsWith('.ts') ? ofSuite(copy, sabotage) : ofBattery(copy, sabotage)
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

function ofBattery(copy: string, { test, kind, red }: Sabotage): Told {
  const runner = join(copy, 'test', 'reliability', 'run.ts')
  const { stdout } = run(copy, [runner, '--small', '--only', test, '--kind', kind, '--seed', values.seed])
  const reds = stdout.split('\n').flatMap((line) => / RED: (.*)/.exec(line)?.[1] ?? [])
  // It says so at the end of a run that came to its end.
  if (reds.length === 0 && /all green$/m.test(stdout)) return { fate: 'SURVIVED', why: 'green' }
  if (reds.length === 0 && stdout.includes('INVALID')) return { fate: 'SURVIVED', why: 'the fault was never met' }
  return judged(reds, red)
}

function ofSuite(copy: string, { test, red }: Sabotage): Told {
  const vitest = join(project, 'node_modules', 'vitest', 'vitest.mjs')
  const report = join(copy, 'report.json')
  const { status } = run(copy, [vitest, 'run', test, '--reporter=json', `--outputFile=${report}`])
  if (status === 0) return { fate: 'SURVIVED', why: 'green' }
  const { testResults } = JSON.parse(existsSync(report) ? readFileSync(report, 'utf8') : '{"testResults":[]}') as Report
  const failed = testResults.flatMap((file) => file.assertionResults).filter((one) => one.status === 'failed')
  return judged(
    failed.map(({ fullName, failureMessages: [first = ''] }) => `${fullName}: ${first.split('\n')[0]}`),
    red,
  )
}

/** What Vitest writes down. */
interface Report {
  testResults: { assertionResults: { fullName: string; status: string; failureMessages: string[] }[] }[]
}

function judged(reds: string[], wanted: string | string[]): Told {
  const signs = [wanted].flat()
  const caught = reds.find((one) =>
    signs.some((sign) => one.includes(sign) && (!TIME_LIMIT.test(one) || TIME_LIMIT.test(sign))),
  )
  if (caught !== undefined) return { fate: 'caught', why: caught.slice(0, 200) }
  return { fate: 'RED FOR ANOTHER REASON', why: (reds[0] ?? 'it did not come to its end').slice(0, 200) }
}

/** The pages are served as they were built. */
function buildConsole(copy: string): boolean {
  const vite = join(project, 'node_modules', 'vite', 'bin', 'vite.js')
  return run(copy, [vite, 'build', '--config', join(copy, 'console', 'vite.config.ts')]).status === 0
}

function run(cwd: string, args: string[]) {
  return spawnSync(process.execPath, args, { cwd, encoding: 'utf8', timeout: LONGEST_MS, killSignal: 'SIGTERM' })
}

/** Its own source and tests; what is installed and prepared is shared. */
function copyOfProject(): string {
  mkdirSync(join(project, '.tmp'), { recursive: true })
  const copy = mkdtempSync(join(project, '.tmp', 'mutation-'))
  for (const name of ['src', 'test', 'console', 'package.json', 'tsconfig.json', 'vitest.config.ts'])
    cpSync(join(project, name), join(copy, name), { recursive: true })
  for (const name of ['node_modules', '.cache']) symlinkSync(join(project, name), join(copy, name))
  return copy
}

function apply(copy: string, { file, find, replace }: Sabotage): boolean {
  const path = join(copy, file)
  const text = readFileSync(path, 'utf8')
  const piece = [find].flat().find((one) => text.includes(one))
  if (piece === undefined) return false
  writeFileSync(
    path,
    text.replace(piece, () => replace),
  )
  return true
}
