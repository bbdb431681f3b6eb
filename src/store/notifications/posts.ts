/** Posts, newest first. */
import { type Selectable, sql } from 'kysely'
import type { Db } from '../database/db.ts'
import type { Tables } from '../schema/tables.ts'

export type PostRow = Selectable<Tables['posts']>

export async function insertPost(
  db: Db,
  post: { id: string; userId: string; title: string; textContent: string; contentType: string },
): Promise<PostRow> {
  return db.kysely
    .insertInto('posts')
    .values({
      id: post.id,
      user_id: post.userId,
      title: post.title,
      text_content: post.textContent,
      content_type: post.contentType,
    })
    .returningAll()
    .executeTakeFirstOrThrow()
}

export async function findPost(db: Db, id: string): Promise<PostRow | undefined> {
  return db.kysely.selectFrom('posts').selectAll().where('id', '=', id).executeTakeFirst()
}

/** Newest first; ids are UUIDv7, so their order is that of their making. */
export async function listPosts(db: Db, page: { limit: number; before?: string }): Promise<PostRow[]> {
  return db.kysely
    .selectFrom('posts')
    .selectAll()
    .$if(page.before !== undefined, (query) => query.where('id', '<', sql<string>`${page.before}::uuid`))
    .orderBy('id', 'desc')
    .limit(page.limit)
    .execute()
}
