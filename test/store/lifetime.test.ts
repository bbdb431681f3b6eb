/** Promise 1: what was accepted is there until it is settled or its time to live ends, also when nobody works for weeks. */
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { insertNotification } from '../../src/store/notifications/notifications.ts'
import { KINDS, openDatabase } from '../kit/inside.ts'
import { broadcast } from '../kit/ledger.ts'

const DAY_SECONDS = 86_400
/** The longest that NOTIFICATION_TTL_SECONDS and `ttl` allow. */
const LONGEST_SECONDS = 28 * DAY_SECONDS

test.each(KINDS)('what is for later lives from then on, and its job for longer, on %s', async (kind) => {
  const { db } = await openDatabase(kind)
  const sendAt = new Date(Date.now() + 7 * DAY_SECONDS * 1_000)
  await db.transaction((tx) => insertNotification(tx, { ...broadcast(), sendAt, ttlSeconds: LONGEST_SECONDS }))
  const [lives] = await db.rows<{ seconds: number; kept: number }>(sql`
    select extract(epoch from n.expires_at - n.send_at)::float8 as seconds,
      extract(epoch from j.keep_until - n.expires_at)::float8 as kept
    from ${db.t.notifications} n, belfry_queue.job j where j.name = 'fan-out'`)
  expect(lives!.seconds).toBe(LONGEST_SECONDS)
  expect(lives!.kept).toBeGreaterThan(0)
})
