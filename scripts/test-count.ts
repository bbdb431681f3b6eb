/**
 * Prints the one line that CI reads, `N passed, N failed`, out of Vitest's JSON, and fails when a test did, when the
 * run did (its status is the second argument), or when there is nothing to count.
 */
import { readFileSync } from 'node:fs'

interface Report {
  success: boolean
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
  numTodoTests: number
  testResults: { status: string; assertionResults: unknown[] }[]
}

function read(file: string): Report | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Report
  } catch {
    return undefined
  }
}

const report = read(process.argv[2] ?? '')
const status = Number(process.argv[3] ?? 0)
if (report === undefined) {
  console.log('The tests did not run to their end: there is no report.')
  console.log('0 passed, 1 failed')
  process.exit(1)
}

// A file that could not be loaded has no tests to count; it is one failure.
const broken = report.testResults.filter(
  (file) => file.status === 'failed' && file.assertionResults.length === 0,
).length
const failed = report.numFailedTests + broken
const skipped = report.numPendingTests + report.numTodoTests
const good = failed === 0 && status === 0 && report.success
if (!good && failed === 0) console.log('Every test passed, and yet the run failed: see above.')
console.log(`${report.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
process.exit(good ? 0 : 1)
