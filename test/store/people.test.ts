/** Who is found is found in order, and a list that is cut says so. */
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { searchPeople } from '../../src/store/views/people.ts'
import { openDatabase } from '../kit/inside.ts'

test.each(['PGlite', 'PostgreSQL 18'] as const)(
  'people are the first in the order of what begins so, on %s',
  async (kind) => {
    const { db } = await openDatabase(kind)
    // Written down in an order that is not that of their names, nor that of their ids.
    await sql`insert into ${db.t.users} (id, name)
    select 'u' || 100 - n, case when n % 37 < 30 then 'Ann' || 100 + n % 37 end from generate_series(1, 37) n`.execute(
      db.kysely,
    )
    await sql`insert into ${db.t.push_tokens} (user_id, token, device_type)
    select 'u' || 100 - n, 'ExponentPushToken[t' || 100 + n * 5 % 37 || ']', 'ios' from generate_series(1, 37) n`.execute(
      db.kysely,
    )
    const of = async (text: string) => {
      const { people, more } = await searchPeople(db, text)
      return {
        names: people.map((one) => one.name),
        ids: people.map((one) => one.user_id),
        tokens: people.map((one) => one.push_token),
        more,
      }
    }
    const numbers = (first: number, count = 20) => Array.from({ length: count }, (_, n) => first + n)
    expect(await of('ann')).toMatchObject({ names: numbers(100).map((n) => `Ann${n}`), more: true })
    expect(await of('ANN11')).toMatchObject({ names: numbers(110, 10).map((n) => `Ann${n}`), more: false })
    expect(await of('u')).toMatchObject({ ids: numbers(63).map((n) => `u${n}`), more: true })
    expect(await of('t1')).toMatchObject({ tokens: numbers(100).map((n) => `ExponentPushToken[t${n}]`), more: true })
    expect(await of('nobody')).toMatchObject({ ids: [], more: false })
  },
)

test('many push tokens of one person do not hide that there are others', async () => {
  const { db } = await openDatabase('PostgreSQL 18')
  await sql`insert into ${db.t.users} (id) values ('tester'), ('zoe')`.execute(db.kysely)
  await sql`insert into ${db.t.push_tokens} (user_id, token)
    select case n when 50 then 'zoe' else 'tester' end, 'ExponentPushToken[a' || 100 + n || ']' from generate_series(1, 50) n`.execute(
    db.kysely,
  )
  expect(await searchPeople(db, 'a1')).toMatchObject({ people: [{ user_id: 'tester' }], more: true })
})
