/** The database was made for one alphabet: a name or an emoji that is not in it would be refused, each time. */
import { type Kysely, sql } from 'kysely'
import type { Tables } from '../schema/tables.ts'

/** SQL_ASCII keeps what it is given. */
const FIT = ['UTF8', 'SQL_ASCII']

export class EncodingFault extends Error {
  constructor(encoding: string, hint: string) {
    super(`The database keeps text as ${encoding}, in which most names and no emoji can be written. ${hint}`)
  }
}

/** What a person can do about it; undefined: it fits. */
export function hintOfEncoding(encoding: string): string | undefined {
  if (FIT.includes(encoding)) return undefined
  return "Create one with encoding 'UTF8' and template template0, and name it in DATABASE_URL."
}

export async function refuseOtherEncodings(kysely: Kysely<Tables>): Promise<void> {
  const { rows } = await sql<{ name: string }>`select current_setting('server_encoding') as name`.execute(kysely)
  const encoding = rows[0]?.name ?? ''
  const hint = hintOfEncoding(encoding)
  if (hint !== undefined) throw new EncodingFault(encoding, hint)
}
