/** Promise 3: what may be repeated after a death is bounded, also where direct messages come beside a broadcast. */
import { setTimeout as wait } from 'node:timers/promises'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { notificationState } from '../../src/store/notifications/notifications.ts'
import { crowd } from '../kit/books.ts'
import { until } from '../kit/guard.ts'
import { allOk, openRunning, type Running } from '../kit/inside.ts'

const CONNECTIONS = 6
const PEOPLE = 40
/** Each person has as many devices as fit into a request. */
const RECIPIENTS = 100

async function addPeople({ db }: Running): Promise<void> {
  await sql`insert into ${db.t.users} (id) select 'user' || n from generate_series(1, ${PEOPLE}::int) n`.execute(
    db.kysely,
  )
  await sql`insert into ${db.t.push_tokens} (user_id, token, device_type)
    select 'user' || (1 + n % ${PEOPLE}::int), 'ExponentPushToken[user' || n || ']', 'ios'
    from generate_series(1, ${PEOPLE * RECIPIENTS}::int) n`.execute(db.kysely)
}

async function begunRecipients({ db }: Running): Promise<number> {
  const [row] = await db.rows<{ sum: number }>(
    sql`select coalesce(sum(recipients), 0)::int as sum from ${db.t.deliveries} where state = 1`,
  )
  return row!.sum
}

describe.each(['PostgreSQL 18', 'PostgreSQL 14'] as const)('on %s', (kind) => {
  test('no more is begun and not saved than two requests for each connection', async () => {
    const send = async (messages: Parameters<typeof allOk>[0]) => {
      await wait(3)
      return allOk(messages)
    }
    // Answers are on their way into the ledger for longer, so that it would show.
    const foreground = { enter: () => () => undefined, clear: () => wait(10) }
    const world = await openRunning(kind, { send }, { maxConcurrentRequests: CONNECTIONS, foreground })
    await addPeople(world)
    await crowd(world, 40_000)
    const id = await world.notify({ audience: { everyone: true } })
    const begun: number[] = []
    await until(
      'the broadcast is over',
      async () => {
        await world.notify({ audience: { users: [`user${1 + (begun.length % PEOPLE)}`] } })
        begun.push(await begunRecipients(world))
        return (await notificationState(world.db, id))?.state === 'finished'
      },
      { everyMs: 1 },
    )
    await world.drain(60_000)
    expect(Math.max(...begun)).toBeGreaterThan(CONNECTIONS * RECIPIENTS)
    expect(Math.max(...begun)).toBeLessThanOrEqual(2 * CONNECTIONS * RECIPIENTS)
  })
})
