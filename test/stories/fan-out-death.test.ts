/** A death in the middle of cutting an audience into chunks: the page is cut again, or was cut; never half. */
import { expect, test } from 'vitest'
import { until } from '../kit/guard.ts'
import { openWorld } from '../kit/world.ts'

test('kill -9 while chunks are enqueued loses none of them', async () => {
  const world = await openWorld({ database: 'postgres' })
  try {
    const crowd = await world.audience(3_500)
    const [queue] = await world.sql<{ schema: string }>(
      "select table_schema as schema from information_schema.tables where table_name = 'job'",
    )
    // Enqueuing a chunk takes two seconds now: time enough to die in.
    await world.sql(`create function slowly() returns trigger language plpgsql as
      $$ begin perform pg_sleep(2); return new; end $$`)
    const table = `${queue!.schema}.job`
    await world.sql(`create trigger slowly before insert on ${table} for each row
      when (new.name like '%send-broadcast%') execute function slowly()`)
    const { body } = await world.user('ana').post()
    const isSleeping = async () =>
      (await world.sql("select 1 from pg_stat_activity where wait_event = 'PgSleep'")).length > 0
    await until('chunks being enqueued', isSleeping)
    await world.server.kill9()
    // The database would notice only after the statement, and might commit it.
    await world.sql("select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'")
    await world.sql(`drop trigger slowly on ${table}`)
    expect(await world.expo.pulse()).toMatchObject({ requests: 0 })
    await world.restart()
    await world.expo.untilTaken(crowd.length, { timeoutMs: 120_000 })
    await world.drain()
    expect(await world.expo.counts(body.notification_id)).toEqual(Object.fromEntries(crowd.map((token) => [token, 1])))
  } finally {
    await world.close()
  }
})
