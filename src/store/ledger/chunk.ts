/** Reading a chunk of a broadcast's audience: every push token there is goes this way. */
import { sql } from 'kysely'
import type { NotificationKind, Recipient } from '../../domain/notification.ts'
import { type Db, unseen } from '../database/db.ts'
import { followersOf, IN_AUDIENCE, traits } from './plan.ts'

/**
 * The push tokens of a chunk as they are now, without those of excepted users. They are read as three lists, each in one text: a row
 * for each would be most of what a broadcast allocates, and PostgreSQL would sort them to group those that are alike. Commas part
 * them: no push token has one, or it would be none for Expo either.
 * @returns those that are alike beside each other, so that they share messages.
 */
export async function readChunk(
  db: Db,
  range: { from: number; to: number; except: string[]; topic?: string },
): Promise<Recipient[]> {
  const [from, to] = [range.from, range.to].map((id) =>
    range.topic === undefined ? unseen(sql`${id}::bigint`) : sql.lit(id),
  )
  const except = unseen(sql`${range.except}::text[]`)
  const [chunk] = await db.rows<{ ids: string | null; tokens: string; traits: string }>(sql`
    select string_agg(id::text, ',') as ids, string_agg(replace(token, ',', ' '), ',') as tokens,
      string_agg(${TRAITS_AS_TEXT}, e'\n') as traits
    from (
      select p.id, p.token, ${traits(db)} from ${db.t.push_tokens} p
      where ${IN_AUDIENCE} and id between ${from} and ${to} and user_id <> all(${except}::text[])
        ${followersOf(db, range.topic)}
      order by id) chunk`)
  if (!chunk?.ids) return []
  const ids = JSON.parse(`[${chunk.ids}]`) as number[]
  const tokens = chunk.tokens.split(',')
  const texts = chunk.traits.split('\n')
  return [...Map.groupBy(ids.keys(), (index) => texts[index] as string)].flatMap(([text, alike]) => {
    const { deviceType, locale, project, suspended, muted } = traitsOf(text)
    return alike.map((index) => {
      const [id, token] = [ids[index] as number, tokens[index] as string]
      return { id, token, deviceType, locale, project, suspended, muted }
    })
  })
}

type Traits = Omit<Recipient, 'id' | 'token' | 'userId'>

/** Parts the traits of a device. No locale and no project contains it; one that did would be misread, for its own device only. */
const FIELD = '\u{1f}'

/**
 * The platform; where one of them is known, also the locale and the project. Where a device is suspended, or its user has muted
 * something, all traits as PostgreSQL writes a row, which takes longer.
 */
const TRAITS_AS_TEXT = sql`
  case when suspended or muted is not null
      then replace(row("deviceType", locale, project, suspended, muted)::text, e'\n', ' ')
    when locale is null and project is null then coalesce("deviceType", '')
    else replace(coalesce("deviceType", '') || ${sql.lit(FIELD)} || coalesce(locale, '') || ${sql.lit(FIELD)}
      || coalesce(project, ''), e'\n', ' ') end`

function traitsOf(text: string): Traits {
  const [deviceType, locale, project, suspended, muted] = text.startsWith('(') ? fieldsOf(text) : text.split(FIELD)
  return {
    deviceType: (deviceType || null) as Traits['deviceType'],
    locale: locale || null,
    project: project || null,
    suspended: suspended === 't',
    muted: muted ? (muted.slice(1, -1).split(',') as NotificationKind[]) : null,
  }
}

/** Of a row as text: what is null is empty, and what is odd stands in quotation marks, in which they and backslashes are doubled. */
const fieldsOf = (row: string): string[] =>
  Array.from(
    `,${row.slice(1, -1)}`.matchAll(/,(?:"((?:[^"\\]|""|\\\\)*)"|([^,"]*))/g),
    ([, quoted, plain = '']) => quoted?.replaceAll('""', '"').replaceAll('\\\\', '\\') ?? plain,
  )
