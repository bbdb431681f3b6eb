/** S3: whoever holds a push token owns it, alone, at every moment; each move is on record, and there are five a day. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { eachOf } from '../kit/call.ts'
import { newPushToken, openWorld, type Person, type World } from '../kit/world.ts'

const RACES = 500
const AT_ONCE = 12
const MOVES_PER_DAY = 5

let world: World
beforeAll(async () => {
  world = await openWorld({ database: 'postgres' })
})
afterEach(() => world.logOutEverybody())
afterAll(() => world?.close())

const url = '/api/users/push-token'
const register = (who: Person, push_token: string, more: object = {}) =>
  who.call('POST', url, { json: { push_token, device_type: 'android', ...more } })
const listed = async (who: Person) => {
  const { body } = await who.call<{ push_tokens: { push_token: string }[] }>('GET', url)
  return body.push_tokens.map((row) => row.push_token)
}
/** Who a message to this person reaches. */
const reached = async (who: Person) => {
  const { body } = await world.user('sender').message(who, 'Hello')
  await world.drain()
  return Object.keys(await world.expo.counts(body.notification_id)).toSorted()
}
const same = ({ status, text }: { status: number; text: string }) => [status, text]

describe('S3: a push token', () => {
  test('is taken off by nobody but its owner, by no name that they know of it, and the answer tells them nothing', async () => {
    const [ana, ben] = [world.user('ana'), world.user('ben')]
    const phone = await ana.register({ installation_id: 'anas-phone' })
    const unknown = newPushToken()
    const answers = [
      await ben.unregister({ push_token: phone }),
      await ben.unregister({ push_token: unknown }),
      await ben.unregister({ installation_id: 'anas-phone' }),
      await ben.unregister({ push_token: phone, installation_id: 'anas-phone' }),
    ]
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    expect(await listed(ana)).toEqual([phone])
    // The name of an installation is one of its owner's, and another's of the same name is another.
    await ben.register({ installation_id: 'anas-phone' })
    expect(await listed(ana)).toEqual([phone])
    expect(await reached(ana)).toEqual([phone])
  })

  test('moves to who registers it; the answer does not say that it was somebody’s, and the old owner keeps nothing', async () => {
    const [ana, ben] = [world.user('ana'), world.user('ben')]
    const phone = await ana.register()
    expect(same(await register(ben, phone))).toEqual(same(await register(ben, newPushToken())))
    expect(await listed(ana)).toEqual([])
    await ana.unregister({ push_token: phone })
    expect(await reached(ana)).toEqual([])
    expect(await reached(ben)).toContain(phone)
    expect(await eventsOf(phone)).toEqual([
      ['registered', 'ana', null],
      ['moved', 'ben', 'ana'],
    ])
  })

  test('follows its phone through accounts: log-out, another’s log-in, and back', async () => {
    const [ana, ben] = [world.user('ana'), world.user('ben')]
    const phone = await ana.register({ installation_id: 'phone' })
    await ana.unregister({ installation_id: 'phone' })
    expect([await reached(ana), await reached(ben)]).toEqual([[], []])
    await register(ben, phone, { installation_id: 'phone' })
    expect([await reached(ana), await reached(ben)]).toEqual([[], [phone]])
    await register(ana, phone, { installation_id: 'phone' })
    expect([await reached(ana), await reached(ben)]).toEqual([[phone], []])
    const fresh = newPushToken()
    await register(ben, fresh, { installation_id: 'phone' })
    expect([await reached(ana), await reached(ben)]).toEqual([[phone], [fresh]])
  })

  test('changes hands five times a day, counted also when all ask at once; its owner is not locked out by that', async () => {
    const people = ['ana', 'ben', 'eve'].map((name) => world.user(name))
    const phone = await people[0]!.register()
    const other = await people[0]!.register()
    const tries = Array.from({ length: 60 }, (_, n) => people[n % 3]!)
    const answers = await Promise.all(tries.map((who) => register(who, phone)))
    expect(answers.map(({ status }) => status).filter((status) => status !== 200 && status !== 429)).toEqual([])
    const refused = answers.find(({ status }) => status === 429)!
    expect(refused.body).toMatchObject({ success: false, code: 'too_many_moves' })
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(60)
    const moves = (await eventsOf(phone)).filter(([kind]) => kind === 'moved')
    expect(moves).toHaveLength(MOVES_PER_DAY)
    const owner = people.find(({ id }) => id === moves.at(-1)![1])!
    expect((await register(owner, phone, { app_version: '2' })).status).toBe(200)
    const stranger = people.find((one) => one !== owner)!
    expect((await register(stranger, phone)).status).toBe(429)
    expect((await register(stranger, other)).status).toBe(200)
    await world.sql(`update belfry.token_events set at = at - interval '25 hours'
      where push_token_id = (select id from belfry.push_tokens where token = '${phone}')`)
    expect((await register(stranger, phone)).status).toBe(200)
  })

  test(`has one owner after each of ${RACES} races, and its record says how it came to them`, async () => {
    const people = ['ana', 'ben', 'eve'].map((name) => world.user(name))
    const [ana, ben, eve] = people as [Person, Person, Person]
    const tokens = Array.from({ length: RACES }, newPushToken)
    const statuses = new Set<number>()
    await eachOf(tokens.entries(), AT_ONCE, async ([n, token]) => {
      // Half of them begin with a phone that nobody knows yet.
      if (n % 2 === 0) await register(ana, token)
      const racing = [
        () => register(ben, token),
        () => register(ana, token),
        () => ana.unregister({ push_token: token }),
        () => register(eve, token),
        () => ben.unregister({ push_token: token }),
      ]
      const order = n % 5
      const started = [...racing.slice(order), ...racing.slice(0, order)].map((go) => go())
      for (const { status } of await Promise.all(started)) statuses.add(status)
    })
    expect([...statuses]).toEqual([200])

    const rows = await world.sql<{ token: string; user_id: string; active: boolean }>(
      'select token, user_id, active from belfry.push_tokens where token = any($1)',
      [tokens],
    )
    expect(rows).toHaveLength(RACES)
    const record = await recordsOf(tokens)
    expect(rows.flatMap((row) => faultsIn(row, record.get(row.token) ?? []))).toEqual([])
    // The races were ones: phones moved, and not all to the same person.
    const moves = [...record.values()].flat().filter(([kind]) => kind === 'moved')
    expect(moves.length).toBeGreaterThan(RACES)
    for (const { id } of people) expect(rows.filter(({ user_id }) => user_id === id).length).toBeGreaterThan(0)

    for (const who of people) {
      const owned = rows.filter(({ user_id, active }) => active && user_id === who.id).map(({ token }) => token)
      expect((await listed(who)).toSorted()).toEqual(owned.toSorted())
      expect(await reached(who)).toEqual(owned.toSorted())
    }
  })
})

type Event = [kind: string, user: string, from: string | null]

/** Follows the record from the first owner to the last. */
function faultsIn({ token, user_id, active }: { token: string; user_id: string; active: boolean }, events: Event[]) {
  const faults: string[] = []
  let owner: string | undefined
  let isActive = false
  for (const [kind, user, from] of events) {
    if (kind === 'registered' && owner !== undefined) faults.push('registered twice')
    if (kind === 'moved' && from !== owner) faults.push(`moved from ${from}, and was ${owner}'s`)
    if (kind !== 'registered' && kind !== 'moved' && user !== owner)
      faults.push(`${kind} by ${user}, and was ${owner}'s`)
    if (kind === 'registered' || kind === 'moved') owner = user
    isActive = kind !== 'logged_out'
  }
  if (owner !== user_id || isActive !== active)
    faults.push(`is ${user_id}'s, ${active}; recorded ${owner}'s, ${isActive}`)
  const moves = events.filter(([kind]) => kind === 'moved').length
  if (moves > MOVES_PER_DAY) faults.push(`${moves} moves`)
  return faults.map((fault) => `${token}: ${fault} (${events.join('; ')})`)
}

async function recordsOf(tokens: string[]): Promise<Map<string, Event[]>> {
  const rows = await world.sql<{ token: string; events: Event[] }>(
    `select p.token, json_agg(json_build_array(e.kind, e.user_id, e.from_user_id) order by e.id) as events
     from belfry.token_events e join belfry.push_tokens p on p.id = e.push_token_id
     where p.token = any($1) group by p.token`,
    [tokens],
  )
  return new Map(rows.map(({ token, events }) => [token, events]))
}

async function eventsOf(token: string): Promise<Event[]> {
  return (await recordsOf([token])).get(token) ?? []
}
