/** Promise 3: what may be repeated after a death is bounded, also where direct messages come beside a broadcast. */
import { setTimeout as wait } from 'node:timers/promises'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { until } from '../kit/guard.ts'
import { allOk, openRunning, type Running } from '../kit/inside.ts'

const CONNECTIONS = 6
const PEOPLE = 40
/** Each person has as many devices as fit into a request. */
const RECIPIENTS = 100

async function fill({ db }: Running): Promise<void> {
  for (const [prefix, users, devices] of [
    ['user', PEOPLE, PEOPLE * RECIPIENTS],
    ['crowd', 1, 40_000],
  ] as const) {
    await sql`insert into ${db.t.users} (id) select ${prefix} || n from generate_series(1, ${users}::int) n`.execute(
      db.kysely,
    )
    await sql`insert into ${db.t.push_tokens} (user_id, token, device_type)
      select ${prefix} || (1 + n % ${users}::int), 'ExponentPushToken[' || ${prefix} || n || ']', 'ios'
      from generate_series(1, ${devices}::int) n`.execute(db.kysely)
  }
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
    const world = await openRunning(kind, { send }, { maxConcurrentRequests: CONNECTIONS })
    await fill(world)
    const id = await world.notify({ audience: { everyone: true } })
    const begun: number[] = []
    const state = sql<{ state: string }>`select state from ${world.db.t.notifications} where id = ${id}`
    await until(
      'the broadcast is over',
      async () => {
        await world.notify({ audience: { users: [`user${1 + (begun.length % PEOPLE)}`] } })
        begun.push(await begunRecipients(world))
        const [row] = await world.db.rows(state)
        return row?.state === 'finished'
      },
      { everyMs: 1 },
    )
    await world.drain(60_000)
    expect(Math.max(...begun)).toBeGreaterThan(CONNECTIONS * RECIPIENTS)
    expect(Math.max(...begun)).toBeLessThanOrEqual(2 * CONNECTIONS * RECIPIENTS)
  })
})
