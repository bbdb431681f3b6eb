import { sql } from 'kysely'
import type { Db } from '../database/db.ts'
import { isHere } from '../database/moved-folder.ts'

/** Whether somebody has begun with the embedded database, changed to this one, and brought nothing over. */
export async function isLeftBehind(db: Db, dataDir: string): Promise<boolean> {
  if (!isHere(dataDir)) return false
  return (await db.rows(sql`select 1 from ${db.t.users} limit 1`)).length === 0
}
