/** What is read of a chunk: all that a request needs to know of a device, however odd. */
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import type { Db } from '../../src/store/database/db.ts'
import { readChunk } from '../../src/store/ledger/chunk.ts'
import { KINDS, openDatabase } from '../kit/inside.ts'

interface Row {
  token?: string
  device_type?: string | null
  locale?: string
  project?: string
  suspended?: boolean
  muted?: string[]
}

async function insert(db: Db, rows: Row[]): Promise<void> {
  for (const [
    index,
    { token, device_type = 'ios', locale, project, suspended = false, muted = [] },
  ] of rows.entries()) {
    const user = `user-${index}`
    await sql`insert into ${db.t.users} (id) values (${user})`.execute(db.kysely)
    await sql`insert into ${db.t.push_tokens} (user_id, token, device_type, locale, project, active, inactive_reason, inactive_at)
      values (${user}, ${token ?? `ExponentPushToken[${index}]`}, ${device_type}, ${locale ?? null}, ${project ?? null},
        ${!suspended}, ${suspended ? 'InvalidCredentials' : null}, ${suspended ? db.now : null})`.execute(db.kysely)
    for (const kind of muted)
      await sql`insert into ${db.t.mutes} (user_id, kind) values (${user}, ${kind})`.execute(db.kysely)
  }
}

describe.each(KINDS)('on %s', (kind) => {
  const read = async (rows: Row[], except: string[] = []) => {
    const { db } = await openDatabase(kind)
    await insert(db, rows)
    return readChunk(db, { from: 1, to: 1_000, except })
  }

  test('those that are alike come beside each other, in the order of their ids', async () => {
    const platforms = ['ios', 'android', null, 'android', 'ios', null]
    const recipients = await read(
      platforms.map((device_type) => ({ device_type })),
      ['user-3'],
    )
    const known = { locale: null, project: null, suspended: false, muted: null }
    expect(recipients).toEqual([
      { id: 1, token: 'ExponentPushToken[0]', deviceType: 'ios', ...known },
      { id: 5, token: 'ExponentPushToken[4]', deviceType: 'ios', ...known },
      { id: 2, token: 'ExponentPushToken[1]', deviceType: 'android', ...known },
      { id: 3, token: 'ExponentPushToken[2]', deviceType: null, ...known },
      { id: 6, token: 'ExponentPushToken[5]', deviceType: null, ...known },
    ])
  })

  test('whatever was written about a device is read again', async () => {
    const rows: Row[] = [
      { locale: 'pt-BR', project: '@belfry/app' },
      { project: '@a "b"\\c\\\\, (d)' },
      { device_type: null, locale: '' },
      { locale: 'NULL' },
      { locale: ' ', project: '{"x"}' },
      { suspended: true, locale: 'a,"b"\\', project: '@a "b"\\c\\\\, (d)' },
      { suspended: true, device_type: null },
      { muted: ['message', 'post'] },
      { locale: '(ios)', muted: ['post'] },
    ]
    const recipients = await read(rows)
    expect(recipients).toHaveLength(rows.length)
    const byId = recipients.toSorted((a, b) => a.id - b.id)
    byId.forEach((recipient, index) => {
      const { device_type = 'ios', locale = null, project = null, suspended = false, muted } = rows[index]!
      // Nothing said, and said with no letter, are the same.
      expect(recipient).toMatchObject({ deviceType: device_type, locale: locale || null, project, suspended })
      expect(recipient.muted?.toSorted()).toEqual(muted)
    })
  })

  test('a comma or a new line gives nobody the push token of somebody else', async () => {
    const [odd, broken, last] = await read([{ token: 'Expo,Push,Token' }, { locale: 'de\nios' }, {}])
    expect(odd).toMatchObject({ id: 1, token: 'Expo Push Token', locale: null })
    expect([broken, last]).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ id: 2, token: 'ExponentPushToken[1]', locale: 'de ios' }),
        expect.objectContaining({ id: 3, token: 'ExponentPushToken[2]', locale: null }),
      ]),
    )
  })

  test('a range without anybody', async () => {
    expect(await read([])).toEqual([])
  })
})
