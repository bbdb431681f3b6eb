/** Who did what to whom, and when. */
import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { MigrationContext } from './context.ts'

export const audit = ({ schema }: MigrationContext): Migration => ({
  async up(db: Kysely<unknown>): Promise<void> {
    const s = sql.id(schema)
    for (const statement of [
      sql`create table ${s}.audit (
        id bigint generated always as identity primary key,
        at timestamptz not null default ${s}.clock(),
        actor text not null, action text not null, subject text not null,
        detail jsonb not null default '{}')`,
      sql`create index audit_age on ${s}.audit (at)`,
      sql`create index audit_actor on ${s}.audit (actor text_pattern_ops, id)`,
      sql`create index audit_action on ${s}.audit (action text_pattern_ops, id)`,
      sql`create index audit_subject on ${s}.audit (subject text_pattern_ops, id)`,
    ])
      await statement.execute(db)
  },
})
