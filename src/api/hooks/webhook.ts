/** A webhook as Supabase sends it. Tables differ from project to project: only the columns that we know are looked at. */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { parseExactly } from '../../domain/exact-json.ts'
import { type Cell, textOf, timeOf } from '../http/cells.ts'
import { Fault } from '../http/faults.ts'
import { notJson } from '../http/json.ts'
import { isText, lengthOf, MAX_ID_LENGTH, text, word } from '../http/text.ts'

/** What we look for, by the names that the documents and their kind use for it; the first that holds something counts. */
const columns = {
  id: ['id', 'uuid'],
  sender: ['sender_id', 'from_user_id', 'user_id'],
  receiver: ['receiver_id', 'recipient_id', 'to_user_id'],
  messageType: ['message_type', 'type'],
  content: ['content', 'text_content', 'text', 'body', 'message'],
  author: ['user_id', 'author_id', 'created_by'],
  title: ['title', 'text_content', 'content'],
  name: ['username', 'sender_name', 'author_name', 'user_name'],
  user: ['user_id'],
  token: ['expo_token', 'token', 'push_token', 'expo_push_token'],
  deviceType: ['device_type', 'platform'],
  active: ['active', 'is_active'],
  createdAt: ['created_at'],
  updatedAt: ['updated_at'],
} as const satisfies Record<string, string[]>
type Column = keyof typeof columns

const known: ReadonlySet<string> = new Set<string>(Object.values(columns).flat())

const cell = z.union([z.string(), z.number(), z.boolean(), z.null()])
const row = z.record(z.string(), cell, 'must be an object or null')
export const webhook = z.object({
  type: word(['INSERT', 'UPDATE', 'DELETE']),
  table: text(1, 128),
  schema: text(1, 128).default('public'),
  record: row.nullish(),
  old_record: row.nullish(),
})
export type Webhook = z.output<typeof webhook>
export type Row = Record<string, Cell>

/** Reads the body. Ids may be numbers that JavaScript would round: those stay as they are written. */
export function readBody(body: string): unknown {
  const value = parse(body)
  if (typeof value !== 'object' || value === null) return value
  const { record, old_record, ...rest } = value as Record<string, unknown>
  return { ...rest, record: pick(record), old_record: pick(old_record) }
}

function parse(body: string): unknown {
  try {
    return parseExactly(body)
  } catch {
    throw notJson(body)
  }
}

/** Columns of no concern may hold anything, as deep and as long as they like. */
function pick(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(
    Object.entries(value).filter(([name, held]) => known.has(name) && (typeof held !== 'object' || held === null)),
  )
}

/** The text of a column, '' when there is none. */
export function textIn(held: Row, column: Column): string {
  for (const name of columns[column]) {
    const found = textOf(held[name])
    if (found !== '' && isText(found)) return found
  }
  return ''
}

export function needed(held: Row, column: Column): string {
  const found = textIn(held, column)
  if (found === '') throw unfit(`its column ${columns[column][0]} is missing or empty`)
  return found
}

export function neededId(held: Row, column: Column): string {
  const found = needed(held, column)
  if (lengthOf(found) > MAX_ID_LENGTH) throw unfit(`${columns[column][0]} is longer than ${MAX_ID_LENGTH} characters`)
  return found
}

/** When the row was written last, as far as it says so. */
export function writtenAt(held: Row): string | null {
  return timeIn(held, 'updatedAt') ?? timeIn(held, 'createdAt')
}

export function timeIn(held: Row, column: 'createdAt' | 'updatedAt'): string | null {
  return timeOf(textIn(held, column)) ?? null
}

/**
 * A name that no other row ever has. Ids can come again, so the time of making is part of it; without one an id is no
 * name for a row that may come back.
 */
export function nameOfRow({ schema, table }: Webhook, held: Row, mayComeBack: boolean): string | undefined {
  const made = textIn(held, 'createdAt')
  if (mayComeBack && made === '') return undefined
  const id = textIn(held, 'id')
  const what = id === '' ? held : [id, made]
  return createHash('sha256')
    .update(JSON.stringify([schema, table, what]))
    .digest('base64url')
}

export function unfit(why: string): Fault {
  return new Fault('row_unfit', { values: { why } })
}
