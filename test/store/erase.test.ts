/** What is left of somebody who was erased. */
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { eraseUser } from '../../src/store/people/erase.ts'
import { ensureUser } from '../../src/store/people/users.ts'
import { registerPushToken } from '../../src/store/tokens/push-tokens.ts'
import { openDatabase, openRunning } from '../kit/inside.ts'

test.each(['PGlite', 'PostgreSQL 18'] as const)(
  'words to them alone go, however often they were named, on %s',
  async (kind) => {
    const world = await openRunning(kind)
    await world.device('ben')
    await world.device('ana')
    const alone = await world.notify({ audience: { users: ['ben', 'ben'] }, content: { title: 'Dear Ben' } })
    const both = await world.notify({ audience: { users: ['ben', 'ana'] }, content: { title: 'Dear both' } })
    await world.drain()
    await eraseUser(world.db, 'ben', 'operator')
    const left = await world.db.kysely.selectFrom('notifications').select(['id', 'content']).execute()
    expect(Object.fromEntries(left.map(({ id, content }) => [id, content]))).toEqual({
      [alone]: {},
      [both]: { title: 'Dear both' },
    })
  },
)

test.each(['PGlite', 'PostgreSQL 18'] as const)(
  'who has the same id as a post takes nothing from what is said about the post, on %s',
  async (kind) => {
    const world = await openRunning(kind)
    await world.device('ben')
    await world.device('42')
    const about = { post_id: '42', message_id: '42', screen: 'post_detail' }
    const post = await world.notify({ audience: { everyone: true }, content: { title: 'Post', data: about } })
    const them = await world.notify({ audience: { everyone: true }, content: { title: 'By', data: { by: ['42'] } } })
    await eraseUser(world.db, '42', 'operator')
    const left = await world.db.kysely.selectFrom('notifications').select(['id', 'content']).execute()
    expect(Object.fromEntries(left.map(({ id, content }) => [id, content.data]))).toEqual({
      [post]: about,
      [them]: undefined,
    })
  },
)

/** Of a month in which a few per cent of many devices were dead. */
const REFUSALS = 50_000

test.each(['PGlite', 'PostgreSQL 18'] as const)(
  'their push token goes from all refusals that quote it, and no statement searches through all of them, on %s',
  async (kind) => {
    const { db } = await openDatabase(kind)
    const { refusals } = db.t
    const token = 'f47ac10b-58cc-4372-a567-0e02b2c3d479'
    await ensureUser(db, { id: 'ben', name: null })
    await registerPushToken(db, { userId: 'ben', token, deviceType: 'ios', movesPerDay: null })
    await sql`
      insert into ${refusals} (notification_id, delivery_id, push_token_id, stage, message)
      select '01a20057-7cac-76f3-956a-aa206f66a746', n, 1000 + n, 'request',
        case when n % 7000 = 0 then ${`"${token}" and others`} else 'another' end
      from generate_series(1, ${REFUSALS}::int) n`.execute(db.kysely)
    for (const statement of [
      sql`create sequence updates`,
      sql`create function updated() returns trigger language plpgsql as 'begin perform nextval(''updates''); return null; end'`,
      sql`create trigger updated after update on ${refusals} for each statement execute function updated()`,
    ])
      await statement.execute(db.kysely)
    await eraseUser(db, 'ben', 'operator')
    const [left] = await db.rows<object>(sql`
      select count(*) filter (where message = '') as blank, count(*) filter (where message = 'another') as others,
        (select last_value from updates) as updates from ${refusals}`)
    expect(left).toEqual({ blank: 7, others: REFUSALS - 7, updates: 2 + Math.ceil(REFUSALS / 20_000) })
  },
)
