/**
 * What the runs of a battery stand on: one PostgreSQL, and databases of both kinds that already hold a crowd of
 * devices, made once for each size and copied for each run.
 */
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { openPostgres, type Postgres, query } from '../../kit/postgres.ts'
import { runCommand, temporaryFolder } from '../../kit/server.ts'

export type Kind = 'pglite' | 'postgres'

export interface Ground {
  /** A database with so many devices: a folder to run in, and on PostgreSQL an address. */
  prepare(kind: Kind, devices: number, postgres?: Postgres): Promise<{ folder: string; databaseUrl?: string }>
  close(): Promise<void>
}

export const nameOf = (n: number): string => `crowd-${n}`
export const tokenOf = (n: number): string => `ExponentPushToken[${nameOf(n)}]`

/** The devices are numbered from 1; even ones are iPhones. */
const insertCrowd = (count: number) => `
  with people as (
    insert into belfry.users (id) select 'crowd-' || n from generate_series(1, ${count}) n returning id),
  numbered as (select id, substr(id, 7)::int as n from people order by substr(id, 7)::int)
  insert into belfry.push_tokens (user_id, token, device_type)
  select id, 'ExponentPushToken[' || id || ']', case when n % 2 = 0 then 'ios' else 'android' end
  from numbered order by n`

export function openGround(): Ground {
  let shared: Promise<Postgres> | undefined
  const templates = new Map<string, Promise<string>>()
  const folders: string[] = []
  const template = (key: string, make: () => Promise<string>): Promise<string> => {
    const known = templates.get(key) ?? make()
    templates.set(key, known)
    return known
  }
  return {
    async prepare(kind, devices, own) {
      const folder = temporaryFolder()
      if (kind === 'pglite') {
        const from = await template(`pglite ${devices}`, async () => {
          folders.push(await pgliteTemplate(devices))
          return folders.at(-1)!
        })
        cpSync(join(from, 'data', 'pgdata'), join(folder, 'data', 'pgdata'), { recursive: true })
        return { folder }
      }
      const postgres = own ?? (await (shared ??= openPostgres(18)))
      const make = () => postgresTemplate(postgres, devices)
      const from = await (own ? make() : template(`postgres ${devices}`, make))
      const name = `run_${Math.random().toString(36).slice(2)}`
      await query(rename(from, 'postgres'), `create database ${name} template "${databaseOf(from)}"`)
      return { folder, databaseUrl: rename(from, name) }
    },
    async close() {
      for (const folder of folders) rmSync(folder, { recursive: true, force: true })
      await (await shared)?.close()
    },
  }
}

const databaseOf = (url: string): string => new URL(url).pathname.slice(1)
const rename = (url: string, name: string): string => Object.assign(new URL(url), { pathname: `/${name}` }).href

async function migrated(folder: string, env: Record<string, string>): Promise<void> {
  const { code, stderr } = await runCommand(['migrate'], { folder, env })
  if (code !== 0) throw new Error(`belfry migrate ended with ${code}: ${stderr}`)
}

async function pgliteTemplate(devices: number): Promise<string> {
  const folder = temporaryFolder()
  await migrated(folder, {})
  const database = await PGlite.create({ dataDir: join(folder, 'data', 'pgdata') })
  await database.query(insertCrowd(devices))
  await database.exec('analyze')
  await database.close()
  return folder
}

async function postgresTemplate(postgres: Postgres, devices: number): Promise<string> {
  const url = await postgres.createDatabase()
  const folder = temporaryFolder()
  await migrated(folder, { DATABASE_URL: url })
  rmSync(folder, { recursive: true, force: true })
  await query(url, insertCrowd(devices))
  await query(url, 'vacuum analyze')
  return url
}
