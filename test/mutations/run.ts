/**
 * `npm run test:mutations`: sabotages a copy of the project, one fault at a time, and runs the test that must turn red
 * at its smallest size. Caught is what a test of ours should have seen; a survivor is a defect of the test.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Sabotage, sabotages } from './sabotage.ts'

const { values } = parseArgs({
  options: { only: { type: 'string', multiple: true, default: [] }, seed: { type: 'string', default: '1' } },
})
const only = new Set(values.only.flatMap((ids) => ids.split(',')))
const project = join(import.meta.dirname, '..', '..')
const LONGEST_MS = 240_000

type Fate = 'caught' | 'SURVIVED' | 'NOT APPLIED'
interface Told {
  fate: Fate
  why: string
}
const fates: { sabotage: Sabotage; fate: Fate; why: string }[] = []
for (const sabotage of sabotages.filter((one) => only.size === 0 || only.has(one.id))) {
  const told = attempt(sabotage)
  fates.push({ sabotage, ...told })
  const { id, what, test, kind } = sabotage
  console.log(`${told.fate.padEnd(11)} ${id.padEnd(4)} ${what} (${test} on ${kind}): ${told.why}`)
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

function ofBattery(copy: string, { test, kind }: Sabotage): Told {
  const runner = join(copy, 'test', 'reliability', 'run.ts')
  const { status, stdout } = run(copy, [runner, '--small', '--only', test, '--kind', kind, '--seed', values.seed])
  const red = stdout.split('\n').find((line) => line.includes('RED:'))
  if (red !== undefined) return { fate: 'caught', why: red.slice(red.indexOf('RED:') + 5, 200) }
  if (status === null) return { fate: 'caught', why: 'it never ended' }
  return { fate: 'SURVIVED', why: stdout.includes('INVALID') ? 'the fault was never met' : 'green' }
}

function ofSuite(copy: string, { test }: Sabotage): Told {
  const vitest = join(project, 'node_modules', 'vitest', 'vitest.mjs')
  const { status, stdout } = run(copy, [vitest, 'run', test, '--reporter=dot', '--no-color'])
  const failed = /Tests +(\d+ failed)/.exec(stdout)?.[1]
  if (failed !== undefined) return { fate: 'caught', why: failed }
  return { fate: 'SURVIVED', why: status === 0 ? 'green' : 'it did not run' }
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
