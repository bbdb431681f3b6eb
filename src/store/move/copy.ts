/** Rows of a table from one database into another that has the same tables. Nothing grows with the table. */
import { type RawBuilder, sql } from 'kysely'
import { all } from '../../domain/all.ts'
import type { Db } from '../database/db.ts'
import type { TableName } from '../schema/tables.ts'

/** A delivery has some 5 KB as JSON, and a post up to 250: a page is a few megabytes at most. */
const PAGE_ROWS = 500
const PAGE_CHARACTERS = 2_500_000
/** Before it is known how long they are. */
const FIRST_ROWS = 10

type Column = { name: string; type: string; place: number | null; identity: boolean }

/** @param tell how many rows have just arrived. @returns how many there were. */
export async function copyTable(from: Db, to: Db, table: TableName, tell: (rows: number) => void): Promise<number> {
  const columns = await columnsOf(from, table)
  const names = sql.join(columns.map(({ name }) => sql.id(name)))
  const key = columns.filter(({ place }) => place !== null).toSorted((a, b) => a.place! - b.place!)
  let copied = 0
  let page = await readPage(from, table, key, FIRST_ROWS)
  while (page.length > 0) {
    const rows = `[${page.join(',')}]`
    const arrives = sql`
      insert into ${to.t[table]} (${names}) overriding system value
      select ${names} from json_populate_recordset(null::${to.t[table]}, ${rows}::json)`.execute(to.kysely)
    // Each database works while the other does.
    const many = Math.floor((PAGE_CHARACTERS * page.length) / rows.length)
    const [next] = await all([readPage(from, table, key, Math.max(1, Math.min(many, PAGE_ROWS)), page.at(-1)), arrives])
    copied += page.length
    tell(page.length)
    page = next
  }
  for (const { name } of columns.filter(({ identity }) => identity)) await goOnCounting(from, to, table, name)
  return copied
}

/** Rows as JSON, by primary key. */
async function readPage(from: Db, table: TableName, key: Column[], many: number, last?: string): Promise<string[]> {
  const columns = sql.join(key.map(({ name }) => sql.id(name)))
  const rows = await from.rows<{ row: string }>(sql`
    select row_to_json(t)::text as row from ${from.t[table]} t
    where ${last === undefined ? sql`true` : sql`(${columns}) > (${valuesOf(key, last)})`}
    order by ${columns} limit ${many}::int`)
  return rows.map(({ row }) => row)
}

function valuesOf(key: Column[], row: string): RawBuilder<unknown> {
  const values = JSON.parse(row) as Record<string, unknown>
  return sql.join(key.map(({ name, type }) => sql`${String(values[name])}::text::${sql.raw(type)}`))
}

/** No id is given out a second time, also where its row has gone. */
async function goOnCounting(from: Db, to: Db, table: TableName, column: string): Promise<void> {
  const sequence = (db: Db) => sql`pg_get_serial_sequence(${nameOf(db, table)}, ${column})`
  const [given] = await from.rows<{ last: number | null }>(sql`
    select pg_sequence_last_value(${sequence(from)}::regclass)::float8 as last`)
  const last = given?.last ?? null
  if (last !== null) await sql`select setval(${sequence(to)}::regclass, ${last}::bigint)`.execute(to.kysely)
}

/** `place`: where it stands in the primary key. */
function columnsOf(db: Db, table: TableName): Promise<Column[]> {
  return db.rows<Column>(sql`
    select attname as name, format_type(atttypid, null) as type, attidentity <> '' as identity,
      array_position(indkey::int2[], attnum) as place
    from pg_attribute join pg_index on indrelid = attrelid and indisprimary
    where attrelid = ${nameOf(db, table)}::regclass and attnum > 0 and not attisdropped and attgenerated = ''
    order by attnum`)
}

/** As text, quoted: `"belfry"."users"`. */
const nameOf = (db: Db, table: TableName): string => db.t[table].compile(db.kysely).sql
