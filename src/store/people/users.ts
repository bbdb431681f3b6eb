/** Users: known by the id in their bearer token, from their first call on. */
import { sql } from 'kysely'
import type { Db } from '../database/db.ts'

/** Writes the user down, or their new name; null keeps the name that is known. @returns the name that they have now. */
export async function ensureUser(db: Db, user: { id: string; name: string | null }): Promise<string | null> {
  const [row] = await db.rows<{ name: string | null }>(sql`
    with written as (
      insert into ${db.t.users} as known (id, name) values (${user.id}, ${user.name})
      on conflict (id) do update set name = excluded.name, updated_at = ${db.now}
      where excluded.name is not null and known.name is distinct from excluded.name
      returning name)
    select name from written
    union all
    select name from ${db.t.users} where id = ${user.id} and not exists (select from written)`)
  // Just made by somebody else, and not to be seen yet.
  return row === undefined ? user.name : row.name
}

export async function findUser(db: Db, id: string): Promise<{ id: string; name: string | null } | undefined> {
  return db.kysely.selectFrom('users').select(['id', 'name']).where('id', '=', id).executeTakeFirst()
}
