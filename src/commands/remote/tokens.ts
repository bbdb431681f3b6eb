/** `belfry tokens`: push tokens, in from another system's table and out again. */
import { statSync } from 'node:fs'
import { CommandFault } from '../fault.ts'
import { told } from '../times.ts'
import { openBar } from './progress.ts'
import { columns, count, print, type Server, server } from './remote.ts'
import { hasNone, readRows, tokenOf } from './table-rows.ts'

interface Imported {
  imported: number
  known: number
  bad: { line: number; error: string }[]
}

/** What the server takes at once. */
const BATCH_ROWS = 1_000
const BATCH_BYTES = 200_000
/** Far more than a push token and an id of 128 characters take. */
const MOST_ROW_BYTES = 10_000
/** More faults than this are counted, not listed. */
const MOST_TOLD = 50

/** Rows that do not fit are left out, and told by their line; exit code 3 says that there were some. */
export async function importTokens(file: string, options: { json?: boolean }): Promise<void> {
  const remote = server()
  const size = file === '-' ? 0 : sizeOf(file)
  const bar = openBar('  {bar} {percentage} %  {rows} rows')
  if (!options.json && process.stderr.isTTY && size > 0) bar.start(size, 0, { rows: '0' })
  const total: Imported = { imported: 0, known: 0, bad: [] }
  let [read, rows] = [0, 0]
  for await (const batch of batches(file, total, (bytes) => (read += bytes))) {
    const answer = await sendBatch(remote, batch)
    total.imported += answer.imported
    total.known += answer.known
    total.bad.push(...answer.bad)
    rows += batch.length
    bar.update(Math.min(read, size), { rows: count(rows) })
  }
  if (bar.isActive) bar.update(size)
  bar.stop()
  total.bad.sort((a, b) => a.line - b.line)
  for (const { line, error } of options.json ? [] : total.bad.slice(0, MOST_TOLD))
    process.stderr.write(`line ${line}: ${error}\n`)
  if (!options.json && total.bad.length > MOST_TOLD)
    process.stderr.write(`and ${count(total.bad.length - MOST_TOLD)} more\n`)
  print(
    options.json,
    { success: true, ...total },
    () => `${count(total.imported)} imported, ${count(total.known)} known before, ${count(total.bad.length)} left out.`,
  )
  if (total.bad.length > 0) process.exitCode = 3
}

async function sendBatch(remote: Server, rows: object[]): Promise<Imported> {
  if (rows.length === 0) return { imported: 0, known: 0, bad: [] }
  return remote.call<Imported>('POST', '/api/operator/tokens/import', { rows })
}

async function* batches(file: string, total: Imported, onBytes: (bytes: number) => void): AsyncGenerator<object[]> {
  let batch: object[] = []
  let bytes = 0
  for await (const row of readRows(file, onBytes)) {
    if ('fault' in row) {
      total.bad.push({ line: row.line, error: row.fault })
      continue
    }
    if (hasNone(row.cells)) continue
    const one = { line: row.line, ...tokenOf(row.cells) }
    const size = Buffer.byteLength(JSON.stringify(one))
    const error = oddity(one, size)
    if (error !== undefined) {
      total.bad.push({ line: row.line, error })
      continue
    }
    batch.push(one)
    bytes += size
    if (batch.length < BATCH_ROWS && bytes < BATCH_BYTES) continue
    yield batch
    batch = []
    bytes = 0
  }
  yield batch
}

/** What the server would refuse together with the rest of its batch. */
function oddity(row: Record<string, unknown>, size: number): string | undefined {
  const odd = Object.keys(row).find((name) => typeof row[name] === 'object' && row[name] !== null)
  if (odd !== undefined) return `${odd} is neither text nor a number`
  return size > MOST_ROW_BYTES ? 'it is longer than an id and a push token can be' : undefined
}

function sizeOf(file: string): number {
  try {
    const found = statSync(file)
    if (found.isDirectory()) throw new Error('a folder')
    return found.size
  } catch {
    throw new CommandFault(`${file} cannot be read.`)
  }
}

interface Token {
  id: string
  push_token: string
  user_id: string
  device_type: string | null
  active: boolean
  created_at: string
  updated_at: string
}
interface Page {
  tokens: Token[]
  next: string | null
}

export async function listTokens(options: { user?: string; limit: string; json?: boolean }): Promise<void> {
  const query = new URLSearchParams({ limit: options.limit, ...(options.user !== undefined && { user: options.user }) })
  const answer = await server().call<Page>('GET', `/api/operator/tokens?${query.toString()}`)
  print(options.json, answer, () =>
    columns([
      ['USER', 'PUSH TOKEN', 'DEVICE', 'ACTIVE', 'LAST REGISTERED'],
      ...answer.tokens.map((one) => [
        one.user_id,
        one.push_token,
        one.device_type ?? '',
        one.active ? 'yes' : 'no',
        told(one.updated_at),
      ]),
    ]),
  )
}

const exported = ['id', 'user_id', 'token', 'device_type', 'active', 'created_at', 'updated_at'] as const
const PAGE_ROWS = 200

/** CSV with whole push tokens, in the shape that import takes; `--json`: JSON lines. */
export async function exportTokens(options: { json?: boolean }): Promise<void> {
  const remote = server()
  if (!options.json) process.stdout.write(`${exported.join(',')}\n`)
  for (let after: string | null = '0'; after !== null; ) {
    const page: Page = await remote.call('GET', `/api/operator/tokens?whole=true&limit=${PAGE_ROWS}&after=${after}`)
    const lines = page.tokens.map(({ push_token: token, ...rest }) => {
      const row: Record<string, unknown> = { ...rest, token }
      return options.json ? JSON.stringify(row) : exported.map((name) => cell(row[name])).join(',')
    })
    if (lines.length > 0 && !process.stdout.write(`${lines.join('\n')}\n`))
      await new Promise((drained) => process.stdout.once('drain', drained))
    after = page.next
  }
}

function cell(value: unknown): string {
  const text = value === null || value === undefined ? '' : String(value as string | number | boolean)
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
