/** Where the time of a broadcast goes: the worker's by function (`node --cpu-prof`), PostgreSQL's by statement. */
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Postgres, query } from '../../test/kit/postgres.ts'
import { temporaryFolder } from '../../test/kit/server.ts'
import { openBelfry } from '../contestants/belfry.ts'
import { openCluster } from '../contestants/cluster.ts'
import { measure, type Run } from '../contestants/contestant.ts'
import type { Ground } from '../kit/part.ts'
import { withOpen } from '../kit/rounds.ts'
import { show } from '../report/figures.ts'
import { type Profile, tellFunctions } from '../report/functions.ts'

const STATEMENTS_SHOWN = 25

type Parts = Omit<Ground, 'progress'>

export async function profile(parts: Parts): Promise<void> {
  await countStatements(parts.postgres)
  console.log('A worker on PostgreSQL')
  await leavingProfile((nodeArgs) => worker(parts, nodeArgs))
  console.log('\nThe whole program on the embedded database')
  await leavingProfile((nodeArgs) => embedded(parts, nodeArgs))
}

/** @param run starts Node with these arguments, and ends it. */
async function leavingProfile(run: (nodeArgs: string[]) => Promise<void>): Promise<void> {
  const folder = temporaryFolder()
  await run(['--cpu-prof', `--cpu-prof-dir=${folder}`])
  const [file] = readdirSync(folder)
  if (file === undefined) throw new Error('the program left no profile')
  tellFunctions(JSON.parse(readFileSync(join(folder, file), 'utf8')) as Profile)
  rmSync(folder, { recursive: true, force: true })
}

/** Twice: the first time it warms up. */
async function worker({ expo, postgres, blanks, size }: Parts, nodeArgs: string[]): Promise<void> {
  const devices = size.devices * 2
  await withOpen(async (open) => {
    const cluster = await open(openCluster({ expo, blanks, devices }))
    await query(cluster.databaseUrl, 'create extension pg_stat_statements')
    const { pid } = await open(cluster.startWorker({ nodeArgs }))
    const contestant = await cluster.contestant('worker', pid)
    await measure(contestant, { expo, databasePid: postgres.pid() })
    await query(cluster.databaseUrl, 'select pg_stat_statements_reset()')
    tell(await measure(contestant, { expo, databasePid: postgres.pid() }))
    await tellStatements(cluster.databaseUrl, devices)
  })
}

async function embedded({ expo, blanks, size: { devices } }: Parts, nodeArgs: string[]): Promise<void> {
  await withOpen(async (open) => {
    const contestant = await open(openBelfry({ name: 'embedded', expo, blanks, on: 'pglite', devices, nodeArgs }))
    await measure(contestant, { expo, databasePid: undefined })
    tell(await measure(contestant, { expo, databasePid: undefined }))
  })
}

function tell({ devices, perSecond, cpuPerMillion, databaseCpuPerMillion }: Run): void {
  const cpu = `CPU seconds a million: ${show(cpuPerMillion)}, PostgreSQL ${show(databaseCpuPerMillion)}`
  console.log(`${devices} devices twice; the second time ${show(perSecond)} a second. ${cpu}`)
}

async function countStatements(postgres: Postgres): Promise<void> {
  const url = await postgres.createDatabase()
  await query(url, `alter system set shared_preload_libraries = 'pg_stat_statements'`)
  await query(url, 'alter system set pg_stat_statements.track_planning = on').catch(() => undefined)
  await postgres.stop()
  await postgres.start()
}

interface Statement {
  calls: number
  ms: number
  planning: number
  text: string
}

async function tellStatements(url: string, devices: number): Promise<void> {
  const statements = await query<Statement>(
    url,
    `select calls::int, total_exec_time as ms, total_plan_time as planning, query as text
    from pg_stat_statements s join pg_database d on d.oid = s.dbid and d.datname = current_database()
    order by total_exec_time + total_plan_time desc`,
  )
  const sum = (pick: (one: Statement) => number) => statements.reduce((all, one) => all + pick(one), 0)
  const share = 1_000_000 / devices
  console.log(
    `Statements of PostgreSQL: ${show(sum((one) => one.calls) * share)} a million devices, ${show((sum((one) => one.ms) * share) / 1_000)} s running and ${show((sum((one) => one.planning) * share) / 1_000)} s planning`,
  )
  for (const { calls, ms, planning, text } of statements.slice(0, STATEMENTS_SHOWN))
    console.log(
      `${show(ms).padStart(7)} ms  + ${show(planning).padStart(5)} planning  ${String(calls).padStart(6)} x  ${text.replaceAll(/\s+/g, ' ').trim().slice(0, 150)}`,
    )
}
