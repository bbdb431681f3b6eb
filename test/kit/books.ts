/** Big audiences, and the invariant of the ledger, for tests that hold the database in their own process. */
import { sql } from 'kysely'
import { expect } from 'vitest'
import { type Totals, totalsOf } from '../../src/store/ledger/ledger.ts'
import type { Opened } from './inside.ts'

/** Many devices, each of a user of its own, alternating platforms. @returns their push tokens. */
export async function crowd(world: Opened, count: number, prefix = 'crowd'): Promise<string[]> {
  const { db } = world
  await sql`
    with people as (
      insert into ${db.t.users} (id) select ${prefix}::text || '-' || n from generate_series(1, ${count}::int) n returning id)
    insert into ${db.t.push_tokens} (user_id, token, device_type)
    select id, 'ExponentPushToken[' || id || ']', case when row_number() over () % 2 = 0 then 'ios' else 'android' end
    from people`.execute(db.kysely)
  return Array.from({ length: count }, (_, n) => `ExponentPushToken[${prefix}-${n + 1}]`)
}

/** Promise 4: targeted and accepted are the sums of what they are made of. */
export async function expectBalanced(world: Opened, id: string): Promise<Totals> {
  const t = await totalsOf(world.db, id)
  expect(t.pending + t.accepted + t.refused + t.skipped + t.expired + t.cancelled + t.unknown).toBe(t.targeted)
  expect(t.awaiting_receipt + t.handed_over + t.failed + t.no_receipt).toBe(t.accepted)
  return t
}
