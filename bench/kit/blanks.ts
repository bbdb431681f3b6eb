/** Databases with our tables and nothing in them. To migrate one takes longer than many a measurement: it is done once a run, and copied. */
import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { type Postgres, query } from '../../test/kit/postgres.ts'
import { temporaryFolder } from '../../test/kit/server.ts'
import { migrate, thisCheckout } from './program.ts'

export interface Blanks {
  /** A new database of PostgreSQL; answers its address. */
  database(checkout?: string): Promise<string>
  /** The embedded database, for a program that will run in this folder. */
  fill(folder: string, checkout?: string): Promise<void>
  close(): Promise<void>
}

const EMBEDDED = join('data', 'pgdata')

export function openBlanks(postgres: Postgres): Blanks {
  const folders: string[] = []
  const migrated = async (checkout: string, databaseUrl?: string): Promise<string> => {
    const folder = temporaryFolder()
    folders.push(folder)
    await migrate({ folder, env: { DATABASE_URL: databaseUrl }, checkout })
    return folder
  }
  const database = oncePer(async (checkout) => {
    const url = await postgres.createDatabase()
    await migrated(checkout, url)
    return url
  })
  const folder = oncePer((checkout) => migrated(checkout))
  return {
    database: async (checkout = thisCheckout) => copyOf(await database(checkout)),
    async fill(into, checkout = thisCheckout) {
      await cp(join(await folder(checkout), EMBEDDED), join(into, EMBEDDED), { recursive: true })
    },
    async close() {
      for (const one of folders) rmSync(one, { recursive: true, force: true })
    },
  }
}

/** Also when it is asked for twice at the same time. */
function oncePer(make: (checkout: string) => Promise<string>): (checkout: string) => Promise<string> {
  const made = new Map<string, Promise<string>>()
  return (checkout) => {
    const one = made.get(checkout) ?? make(checkout)
    made.set(checkout, one)
    return one
  }
}

async function copyOf(url: string): Promise<string> {
  const at = new URL(url)
  const blank = at.pathname.slice(1)
  const copy = `${blank}_${randomBytes(4).toString('hex')}`
  // Nobody may be connected to what is copied.
  at.pathname = '/postgres'
  await query(at.href, `create database ${copy} template ${blank}`)
  at.pathname = `/${copy}`
  return at.href
}
