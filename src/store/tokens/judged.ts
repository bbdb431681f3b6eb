/** Whom an answer speaks of: the token that was sent to, unless its row has become another's, or newer, since. */
import { sql } from 'kysely'
import type { Db } from '../database/db.ts'

/** A push token that an answer was about, and the delivery that it answered. */
export interface Judged {
  id: number
  /** As it was sent, because an installation's row keeps its id when its token rotates; undefined: Expo did not say. */
  token: string | undefined
  deliveryId: number
}

/** With the time of its sending. */
export const asSent = (db: Db, judged: Judged[]) => sql`(
  select j.id, j.token, d.sent_at
  from unnest(${judged.map((one) => one.id)}::bigint[], ${judged.map((one) => one.token ?? null)}::text[],
    ${judged.map((one) => one.deliveryId)}::bigint[]) as j (id, token, delivery_id)
  join ${db.t.deliveries} d on d.id = j.delivery_id) as judged`

/** A request's tokens are read before it is sent: as long before as its chunk takes, which is minutes under a narrow pace. */
const LONGEST_READ_BEFORE = sql`interval '1 hour'`

/**
 * A registration after the sending outweighs the answer. Where Expo does not say which token it means, one that may have taken the
 * place of the token that was sent to is left alone.
 */
export const isStillIt = (db: Db) => sql`p.id = judged.id and p.active and p.updated_at <= judged.sent_at
  and case when judged.token is not null then p.token = judged.token else not exists (
    select from ${db.t.token_events} e
    where e.push_token_id = p.id and e.kind = 'rotated' and e.at > judged.sent_at - ${LONGEST_READ_BEFORE}) end`
