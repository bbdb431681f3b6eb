/**
 * Prints the one line that CI reads, `N passed, N failed`, out of Vitest's JSON and the battery's, and fails when a
 * test did, when a run did, or when there is nothing to count. Before it stand the tests that failed and why: whoever
 * keeps only the end of a log still reads them.
 * Usage: test-count.ts <vitest.json> <its status> <reliability.json> <its status>
 */
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'

interface Report {
  success: boolean
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
  numTodoTests: number
  testResults: {
    name: string
    status: string
    message: string
    assertionResults: { fullName: string; status: string; failureMessages: string[] }[]
  }[]
}

interface Counts {
  passed: number
  failed: number
  skipped: number
}

function read<T>(file: string): T | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T
  } catch {
    return undefined
  }
}

function tell(file: string, test: string, why: string): void {
  console.log(`\nFAILED ${relative('.', file)} ${test}\n${why.split('\n').slice(0, 12).join('\n')}\n`)
}

/** What did not run to its end, or failed without a test that did, is one failure. */
function count(name: string, counts: Counts | undefined, status: string | undefined): Counts {
  if (counts === undefined) {
    console.log(`${name} did not run to their end: there is no report.`)
    return { passed: 0, failed: 1, skipped: 0 }
  }
  if (counts.failed > 0 || (status === '0' && counts.passed > 0)) return counts
  console.log(`${name}: none failed, and yet the run did: see above.`)
  return { ...counts, failed: 1 }
}

function ofVitest(file: string): Counts | undefined {
  const report = read<Report>(file)
  if (report === undefined) return undefined
  // A file that could not be loaded has no tests to count.
  const broken = report.testResults.filter((one) => one.status === 'failed' && one.assertionResults.length === 0)
  for (const { name, message } of broken) tell(name, '', message)
  for (const { name, assertionResults } of report.testResults) {
    for (const one of assertionResults) {
      if (one.status === 'failed') tell(name, one.fullName, one.failureMessages.join('\n'))
    }
  }
  const failed = report.numFailedTests + broken.length
  return { passed: report.numPassedTests, failed, skipped: report.numPendingTests + report.numTodoTests }
}

function ofBattery(file: string): Counts | undefined {
  const report = read<Omit<Counts, 'skipped'>>(file)
  return report && { ...report, skipped: 0 }
}

const [vitest = '', vitestStatus, battery = '', batteryStatus] = process.argv.slice(2)
const all = [
  count('The tests', ofVitest(vitest), vitestStatus),
  count('The runs of the battery', ofBattery(battery), batteryStatus),
]
const sum = (what: keyof Counts) => all.reduce((total, one) => total + one[what], 0)
const skipped = sum('skipped')
console.log(`${sum('passed')} passed, ${sum('failed')} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
process.exit(sum('failed') === 0 ? 0 : 1)
