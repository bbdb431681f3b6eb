/** The audit log at the store: with the deed or not at all, in order, and for a year. */
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { pauseNotification } from '../../src/store/notifications/control.ts'
import { insertNotification } from '../../src/store/notifications/notifications.ts'
import { audit, auditOnce, listAudit } from '../../src/store/operator/audit.ts'
import { AUDIT_DAYS, prune } from '../../src/store/upkeep.ts'
import { KINDS, openDatabase } from '../kit/inside.ts'

const entry = { actor: 'operator', action: 'alarm.confirm', subject: 'alarm:1' } as const

describe.each(KINDS)('the audit log on %s', (kind) => {
  test('a deed that is rolled back is in no log', async () => {
    const { db } = await openDatabase(kind)
    const id = crypto.randomUUID()
    const notification = { id, kind: 'notify' as const, lane: 'direct' as const, audience: { users: [] }, content: {} }
    await db.transaction((tx) => insertNotification(tx, { ...notification, createdBy: null, ttlSeconds: 60 }))
    const deed = db.transaction(async (tx) => {
      await pauseNotification(tx, id, 'operator')
      throw new Error('the connection is lost')
    })
    await expect(deed).rejects.toThrow('lost')
    expect(await listAudit(db, { limit: 10 })).toEqual([])
    await pauseNotification(db, id, 'operator')
    expect(await listAudit(db, { limit: 10 })).toMatchObject([{ action: 'notification.pause' }])
  })

  test('push tokens are shortened wherever they stand, and the newest entry comes first', async () => {
    const { db } = await openDatabase(kind)
    await audit(db, {
      ...entry,
      detail: { said: 'of "ExponentPushToken[whole]" and more', list: ['ExpoPushToken[whole]'] },
    })
    await audit(db, { ...entry, actor: 'user:%_*' })
    const [newest, oldest] = await listAudit(db, { limit: 10 })
    expect(oldest!.detail).toEqual({ said: 'of "ExponentPushToken[who…]" and more', list: ['ExpoPushToken[who…]'] })
    expect(await listAudit(db, { limit: 1, before: newest!.id })).toEqual([oldest])
    expect(await listAudit(db, { limit: 10, actor: 'user:%*', action: 'alarm.*', subject: 'alarm:1' })).toEqual([
      newest,
    ])
  })

  test('a deed of many pages is one entry an hour; after a year it goes', async () => {
    const { db } = await openDatabase(kind)
    const pages = { ...entry, action: 'push_tokens.export' } as const
    for (let page = 0; page < 3; page++) await auditOnce(db, pages)
    expect(await listAudit(db, { limit: 10 })).toHaveLength(1)
    await age(`${AUDIT_DAYS - 1} days`)
    await auditOnce(db, pages)
    expect(await prune(db)).toMatchObject({ audit: 0 })
    await age('2 days')
    expect(await prune(db)).toMatchObject({ audit: 1 })
    expect(await listAudit(db, { limit: 10 })).toHaveLength(1)

    async function age(by: string): Promise<void> {
      await sql`update ${db.t.audit} set at = at - ${by}::interval`.execute(db.kysely)
    }
  })
})
