/** Rows of the ledger, written through the store's own door, without anybody who sends. */
import { randomUUIDv7 } from 'node:crypto'
import type { Db } from '../../src/store/database/db.ts'
import { insertNotification } from '../../src/store/notifications/notifications.ts'

/** For `insertNotification`: to everybody, and good for an hour. */
export const broadcast = () =>
  ({
    id: randomUUIDv7(),
    kind: 'post',
    lane: 'broadcast',
    audience: { everyone: true },
    content: { title: 'Hello' },
    createdBy: null,
    ttlSeconds: 3_600,
  }) as const

/** @returns its id. */
export async function insertBroadcast(db: Db): Promise<string> {
  const notification = broadcast()
  await db.transaction((tx) => insertNotification(tx, notification))
  return notification.id
}
