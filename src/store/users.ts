import { sql } from 'kysely'
import type { Db } from './db.ts'

/** Makes the user when there is none; a name that is known is kept when this one is null. */
export async function ensureUser(db: Db, user: { id: string; name: string | null }): Promise<void> {
  await sql`
    insert into ${db.t.users} as known (id, name) values (${user.id}, ${user.name})
    on conflict (id) do update set name = excluded.name, updated_at = ${db.now}
    where excluded.name is not null and known.name is distinct from excluded.name`.execute(db.kysely)
}

export async function findUser(db: Db, id: string): Promise<{ id: string; name: string | null } | undefined> {
  return db.kysely.selectFrom('users').select(['id', 'name']).where('id', '=', id).executeTakeFirst()
}
