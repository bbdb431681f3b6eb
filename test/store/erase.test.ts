/** What is left of somebody who was erased. */
import { expect, test } from 'vitest'
import { eraseUser } from '../../src/store/people/erase.ts'
import { openRunning } from '../kit/inside.ts'

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
