/** Sessions of the console that were ended before their time. Kept as used keys of `idempotency`, which outlast any session. */
import type { Db } from '../database/db.ts'

const CALLER = 'console'

export async function endSession(db: Db, id: string): Promise<void> {
  await db.kysely
    .insertInto('idempotency')
    .values({ caller: CALLER, key: id, body_hash: '' })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

export async function hasEnded(db: Db, id: string): Promise<boolean> {
  const found = await db.kysely
    .selectFrom('idempotency')
    .select('key')
    .where('caller', '=', CALLER)
    .where('key', '=', id)
    .executeTakeFirst()
  return found !== undefined
}
