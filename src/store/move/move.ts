/**
 * All of an embedded database into PostgreSQL, once: in one transaction there, at whose end the folder is put aside. So no moment has
 * both, and whatever ends it half way, the same command again ends it well.
 */
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { sql } from 'kysely'
import { failpoint } from '../../domain/failpoint.ts'
import type { Emit } from '../../ports.ts'
import { type Db, timeNow } from '../database/db.ts'
import { lockFolder } from '../database/folder-lock.ts'
import { FolderMoved, keepAsMoved, labelOf, setAside, takeBack, whereabouts } from '../database/moved-folder.ts'
import { type Database, openPglite } from '../open.ts'
import { audit } from '../operator/audit.ts'
import { TABLE_NAMES, type TableName } from '../schema/tables.ts'
import { alone } from './alone.ts'
import { copyTable } from './copy.ts'
import { CannotMove } from './fault.ts'

export interface Progress {
  /** Rows, and jobs of the queue. */
  done: number
  whole: number
  table: string
}

export interface Moved {
  /** Undefined: an earlier run had brought all over, and died before it could say so. */
  counts: Record<TableName | 'jobs', number> | undefined
  /** Where the folder's database lies now. */
  kept: string
}

interface Options {
  dataDir: string
  schema: string
  /** Where PostgreSQL is, in a person's words. */
  place: string
  emit: Emit
  tell: (progress: Progress) => void
}

/** Throws CannotMove, FolderLocked while a server runs on the folder, and FolderMoved. */
export async function moveFolder(to: Database, options: Options): Promise<Moved> {
  const { dataDir, schema, emit } = options
  if (await hasArrived(to.db, options)) return { counts: undefined, kept: await keepAsMoved(dataDir) }
  const from = await openPglite({ dataDir, schema, emit })
  let closing: Promise<void> | undefined
  const close = () => (closing ??= from.close())
  let counts: Moved['counts']
  try {
    counts = await bring({ ...from, close }, to, options)
  } finally {
    await close()
  }
  const kept = await keepAsMoved(dataDir)
  // An optimization only: PostgreSQL counts by itself within minutes.
  await to.db.rows(sql`analyze ${sql.join(Object.values(to.db.t))}`).catch(() => undefined)
  return { counts, kept }
}

/** What an interrupted run has left: all there, or nothing. */
async function hasArrived(to: Db, { dataDir, place }: Options): Promise<boolean> {
  if (!existsSync(dataDir)) throw new CannotMove(nothingIn(dataDir))
  return locked(dataDir, async () => {
    const where = whereabouts(dataDir)
    if (where === 'moved') throw new FolderMoved(dataDir, where)
    if (where === 'absent') throw new CannotMove(nothingIn(dataDir))
    if (where === 'here') return false
    const label = await labelOf(dataDir)
    if (label.place !== place) throw new CannotMove(elsewhere(dataDir, label.place, place))
    const [arrived] = await alone(to, (tx) =>
      tx.rows(sql`
        select id from ${tx.t.audit} where action = 'database.move' and detail ->> 'move' = ${label.move}`),
    )
    if (arrived === undefined) await takeBack(dataDir)
    return arrived !== undefined
  })
}

const nothingIn = (dataDir: string) => `There is no database in ${dataDir}. DATA_DIR says where it is.`
const elsewhere = (dataDir: string, first: string, now: string) =>
  `The database in ${dataDir} is on its way to ${first}, and may be there already; these settings name ${now}. ` +
  'Name the first one. If that one is lost, rename pgdata.moving to pgdata, and what it knew is lost with it.'

async function locked<T>(dataDir: string, work: () => Promise<T>): Promise<T> {
  const lock = await lockFolder(dataDir)
  try {
    return await work()
  } finally {
    await lock.release()
  }
}

async function bring(
  from: Database,
  to: Database,
  { dataDir, schema, place, tell }: Options,
): Promise<Moved['counts']> {
  const whole = await countAll(from)
  if (whole === 0)
    throw new CannotMove(`Nothing is in schema ${schema} of the database in ${dataDir}: there is nothing to move.`)
  return alone(to.db, async (tx) => {
    await refuseOthers(tx, schema)
    let done = 0
    const counts = {} as NonNullable<Moved['counts']>
    for (const table of TABLE_NAMES) {
      const more = (rows: number) => tell({ done: (done += rows), whole, table })
      counts[table] = await copyTable(from.db, tx, table, more)
    }
    counts.jobs = await copyJobs(from, tx, (rows) => tell({ done: (done += rows), whole, table: 'jobs' }))
    if (done !== whole) throw new Error(`${whole} rows were counted, and ${done} came`)
    const move = randomUUID()
    const detail = { rows: done, move }
    await audit(tx, { actor: 'system', action: 'database.move', subject: `folder:${dataDir}`, detail })
    await failpoint('before_set_aside')
    await from.close()
    await locked(dataDir, () => setAside(dataDir, { move, place }))
    await failpoint('after_set_aside')
    return counts
  })
}

async function countAll({ db, queue }: Database): Promise<number> {
  let whole = await queue.countWaiting()
  for (const table of TABLE_NAMES) {
    const [row] = await db.rows<{ rows: number }>(sql`select count(*)::int as rows from ${db.t[table]}`)
    whole += row?.rows ?? 0
  }
  return whole
}

async function refuseOthers(to: Db, schema: string): Promise<void> {
  const taken: string[] = []
  for (const table of TABLE_NAMES) {
    const [row] = await to.rows(sql`select 1 from ${to.t[table]} limit 1`)
    if (row !== undefined) taken.push(table)
  }
  if (taken.length === 0) return
  throw new CannotMove(
    `There is something in PostgreSQL already (${taken.join(', ')}), and two databases cannot become one. ` +
      `Name an empty database in DATABASE_URL; or, if nobody needs what is there: drop schema ${schema}, ${schema}_queue cascade`,
  )
}

/** As new ones: a job also carries what its own kind of database needs. Due when they were, however long all this takes. */
async function copyJobs(from: Database, to: Db, tell: (jobs: number) => void): Promise<number> {
  const now = (await timeNow(to)).getTime()
  let copied = 0
  for await (const { queue, data, dueAt } of from.queue.waiting()) {
    const afterMs = dueAt.map((at) => Math.max(0, at - now))
    await to.enqueue(queue, data, afterMs)
    copied += data.length
    tell(data.length)
  }
  return copied
}
