/** One version back: an older program comes up on a newer database as long as that says that it may, and works there. */
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { NewerDatabase, OLDEST_THAT_MAY_RUN } from '../../src/store/migrations/compatibility.ts'
import { type Database, openPglite, openPostgres } from '../../src/store/open.ts'
import { sharedPostgres } from '../kit/global-setup.ts'
import { KINDS, type Opened, openDatabase, openRunning } from '../kit/inside.ts'

const future = '9999_future'

describe.each(KINDS)('on %s', (kind) => {
  test('what a newer version has only added to is opened, said once, and sent from', async () => {
    const opened = await openDatabase(kind)
    await sql`insert into belfry.migrations (name, timestamp) values (${future}, '2099')`.execute(opened.db.kysely)
    await sql`alter table belfry.notifications add column invented text`.execute(opened.db.kysely)
    const told: unknown[] = []
    const again = await openAgain(opened, (name, fact) => void (name === 'database.newer' && told.push(fact)))
    expect(told).toEqual([{ migration: future }])
    const world = await openRunning(kind, {}, { database: { ...opened, ...again } })
    const token = await world.device('ana')
    await world.notify({ audience: { everyone: true } })
    await world.drain()
    expect(world.sent.map((one) => one.token)).toEqual([token])
    if (kind !== 'PGlite') await again.close()
  })

  test('the mark goes up with a version that takes away, and never down with an older one', async () => {
    const opened = await openDatabase(kind)
    const { kysely } = opened.db
    const mark = async () =>
      (await sql<{ oldest: string }>`select oldest from belfry.compatibility`.execute(kysely)).rows
    expect(await mark()).toEqual([{ oldest: OLDEST_THAT_MAY_RUN }])
    await sql`update belfry.compatibility set oldest = '0999'`.execute(kysely)
    if (kind === 'PGlite') return
    await (await openAgain(opened, () => undefined)).close()
    expect(await mark()).toEqual([{ oldest: '0999' }])
    await sql`update belfry.compatibility set oldest = '0001'`.execute(kysely)
    await (await openAgain(opened, () => undefined)).close()
    expect(await mark()).toEqual([{ oldest: OLDEST_THAT_MAY_RUN }])
  })

  test('without a mark, or with a gap among its own migrations, an older version does not guess', async () => {
    const opened = await openDatabase(kind)
    const { kysely } = opened.db
    await sql`insert into belfry.migrations (name, timestamp) values (${future}, '2099')`.execute(kysely)
    await sql`delete from belfry.migrations where name = ${OLDEST_THAT_MAY_RUN}`.execute(kysely)
    await expect(openAgain(opened, () => undefined)).rejects.toThrow(NewerDatabase)
    if (kind === 'PGlite') return
    await sql`insert into belfry.migrations (name, timestamp) values (${OLDEST_THAT_MAY_RUN}, '2026')`.execute(kysely)
    await (await openAgain(opened, () => undefined)).close()
    await sql`drop table belfry.compatibility`.execute(kysely)
    await expect(openAgain(opened, () => undefined)).rejects.toThrow(NewerDatabase)
  })
})

test('four that start at once on an empty database all come up', async () => {
  const url = await (await sharedPostgres()).createDatabase()
  const emit = () => undefined
  const starts = await Promise.allSettled(
    Array.from({ length: 4 }, () => openPostgres({ url, schema: 'belfry', emit })),
  )
  for (const start of starts) if (start.status === 'fulfilled') await start.value.close()
  expect(starts.map((start) => start.status)).toEqual(Array.from(starts, () => 'fulfilled'))
})

async function openAgain(opened: Opened, emit: Parameters<typeof openPostgres>[0]['emit']): Promise<Database> {
  if (opened.url !== undefined) return openPostgres({ url: opened.url, schema: 'belfry', emit })
  await opened.close()
  return openPglite({ dataDir: opened.dataDir!, schema: 'belfry', emit })
}
