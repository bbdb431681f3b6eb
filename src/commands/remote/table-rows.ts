/** Rows of another system's table, from CSV or JSON lines, one at a time: the file may be larger than memory. */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { parseExactly } from '../../domain/exact-json.ts'
import { CommandFault } from '../fault.ts'

export interface Row {
  /** Where it begins in the file, from 1. */
  line: number
  cells: Record<string, unknown>
}
export type Read = Row | { line: number; fault: string }

const tokenColumns = ['token', 'expo_token', 'push_token']
const FORMATS = 'Expected CSV that begins with the names of its columns, or a JSON object on each line.'

export async function* readRows(file: string, onBytes: (bytes: number) => void): AsyncGenerator<Read> {
  const input = file === '-' ? process.stdin : createReadStream(file)
  input.on('data', (chunk: Buffer | string) => onBytes(Buffer.byteLength(chunk)))
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })
  const records = numbered(lines)
  const first = await records.next()
  if (first.done) throw new CommandFault(`There is nothing to import: the file is empty. ${FORMATS}`)
  const isJson = first.value.text.trimStart().startsWith('{')
  if (first.value.text.trimStart().startsWith('['))
    throw new CommandFault(`The file begins with "[": a JSON list is not read row by row. ${FORMATS}`)
  if (isJson) {
    yield jsonRow(first.value)
    for await (const record of records) if (record.text.trim() !== '') yield jsonRow(record)
    return
  }
  const separator = separatorOf(first.value.text)
  const header = cellsOf(first.value.text, separator).map((name) => String(name).trim().toLowerCase())
  if (!header.some((name) => tokenColumns.includes(name)))
    throw new CommandFault(
      `The first line of the file names none of the columns ${tokenColumns.join(', ')}. ${FORMATS}`,
    )
  for await (const record of separator === '\t' ? records : wholeRecords(records, separator)) {
    if (record.text.trim() === '') continue
    const cells = cellsOf(record.text, separator)
    if (cells.length !== header.length)
      yield { line: record.line, fault: `it has ${cells.length} columns, and the first line names ${header.length}` }
    else yield { line: record.line, cells: Object.fromEntries(header.map((name, index) => [name, cells[index]])) }
  }
}

interface Line {
  line: number
  text: string
}

async function* numbered(lines: AsyncIterable<string>): AsyncGenerator<Line> {
  let line = 0
  for await (const text of lines) {
    line += 1
    yield { line, text: line === 1 ? text.replace(/^\uFEFF/, '') : text }
  }
}

/** A quoted cell may hold line breaks: the record goes on until its quotes are closed. */
async function* wholeRecords(lines: AsyncIterable<Line>, separator: Quoting): AsyncGenerator<Line> {
  let open: Line | undefined
  for await (const { line, text } of lines) {
    const record: Line = open === undefined ? { line, text } : { line: open.line, text: `${open.text}\n${text}` }
    open = unclosed[separator].test(record.text) ? record : undefined
    if (open === undefined) yield record
  }
  if (open !== undefined) yield open
}

type Quoting = ',' | ';'
type Separator = Quoting | '\t'

/** Spreadsheets of some countries write semicolons, and MySQL's own client tabs. */
function separatorOf(header: string): Separator {
  return ([',', '\t', ';'] as const).find((one) => header.includes(one)) ?? ','
}

const patterns: Record<Quoting, RegExp> = {
  ',': /("(?:[^"]|"")*"|[^,]*)(,|$)/gy,
  ';': /("(?:[^"]|"")*"|[^;]*)(;|$)/gy,
}
/** Whole cells, and then one that begins with a quote and does not end. Elsewhere in a cell a quote is a letter. */
const unclosed: Record<Quoting, RegExp> = {
  ',': /^(?:(?:"(?:[^"]|"")*"|[^",][^,]*)?,)*"(?:[^"]|"")*$/,
  ';': /^(?:(?:"(?:[^"]|"")*"|[^";][^;]*)?;)*"(?:[^"]|"")*$/,
}

/** RFC 4180: commas between cells, quotes around those that need them, a quote in them doubled. */
export function cellsOf(record: string, separator: Separator = ','): (string | null)[] {
  // MySQL's own client puts nothing in quotes: a tab is always the end of a cell.
  if (separator === '\t') return record.split('\t').map(cellOf)
  const cells: (string | null)[] = []
  const pattern = new RegExp(patterns[separator])
  for (let match = pattern.exec(record); match; match = pattern.exec(record)) {
    const [, cell = '', end] = match
    cells.push(cellOf(cell))
    if (end === '') break
  }
  return cells
}

/** Null as MySQL writes it. */
function cellOf(cell: string): string | null {
  if (/^".*"$/s.test(cell)) return cell.slice(1, -1).replaceAll('""', '"')
  return cell === 'NULL' || cell === String.raw`\N` ? null : cell
}

function jsonRow({ line, text }: Line): Read {
  try {
    const value = parseExactly(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return { line, cells: value as Record<string, unknown> }
  } catch {
    // Told like any other line that is no object.
  }
  return { line, fault: 'it is not a JSON object' }
}

/** Most users of a table of users have no push token: that is no fault of theirs. */
export function hasNone(cells: Record<string, unknown>): boolean {
  if (!isOfUsers(cells)) return false
  const { push_token: token } = cells
  return token === null || (typeof token === 'string' && token.trim() === '')
}

const isOfUsers = (cells: Record<string, unknown>): boolean => 'push_token' in cells && !('user_id' in cells)

/**
 * The three shapes of the documents: `push_tokens` with `token`, `push_tokens` with `expo_token` and `active`, and
 * `users` with `push_token`, whose `id` is the user's.
 */
export function tokenOf(cells: Record<string, unknown>): Record<string, unknown> {
  const ofUser = isOfUsers(cells)
  return {
    user_id: ofUser ? cells.id : cells.user_id,
    token: cells.token ?? cells.expo_token ?? cells.push_token,
    device_type: cells.device_type,
    active: cells.active,
    created_at: ofUser ? undefined : cells.created_at,
    updated_at: ofUser ? cells.push_token_updated_at : cells.updated_at,
  }
}
