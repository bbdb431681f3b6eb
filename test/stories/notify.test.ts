/** Notify: said to many by the operator, steered while it goes, and explained afterwards; on both databases. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../kit/guard.ts'
import { type Person, type World, worlds } from '../kit/world.ts'
import { eventsOf } from './notify-events.ts'

interface Shown {
  state: string
  scheduled: boolean
  rate: number
  estimated: number | null
  final: boolean
  opened: number
  totals: Record<string, number>
}

interface Listed {
  id: string
  estimated: number | null
}

/** For each of five answers, one after the other: what is done in the middle of a broadcast finds it there on a slow machine, too. */
const SLOW_MS = 1_500
/** The same, for what is done before the time comes. */
const LATER_MS = 6_000

describe.for(worlds)('notify $name', ({ open }) => {
  let world: World
  let people: Person[]
  beforeAll(async () => {
    world = await open({ env: { RECEIPT_DELAY_MS: '300' } })
    await world.audience(2_400)
    people = ['ana', 'ben', 'cleo', 'dan'].map((id) => world.user(id))
    for (const [index, person] of people.entries())
      await person.register({ device_type: index % 2 ? 'android' : 'ios' })
  })
  afterAll(() => world.close())

  const notify = (json: object) => world.operator('POST', '/api/notifications', { json })
  const idOf = async (json: object) => {
    const answer = await notify(json)
    expect(answer).toMatchObject({ status: 202, body: { success: true } })
    return answer.body.notification_id as string
  }
  const show = async (id: string) =>
    (await world.operator<{ notification: Shown }>('GET', `/api/notifications/${id}`)).body.notification
  const ended = (id: string) => until('its end', async () => ((one) => one.final && one)(await show(id)))
  const explain = async (user: string, id: string) =>
    (await world.operator('GET', `/api/operator/explain?user=${user}&notification=${id}`)).body

  test('what Expo would refuse is refused at once, by name', async () => {
    const faults: [object, number, string][] = [
      [{ to: 'everyone', title: 'a', nonsense: 1 }, 400, 'unknown_field'],
      [{ to: 'all', title: 'a' }, 400, 'malformed'],
      [{ to: 'everyone' }, 400, 'malformed'],
      [{ to: { users: [] }, title: 'a' }, 400, 'malformed'],
      [{ to: 'everyone', title: 'a', options: { badge: 'x' } }, 400, 'malformed'],
      [{ to: 'everyone', title: 'a', options: { title: 'x' } }, 400, 'malformed'],
      [{ to: 'everyone', title: 'a', options: { later: ['\ud800'] } }, 400, 'malformed'],
      [{ to: 'everyone', title: 'a', options: { sound: { name: '\0' } } }, 400, 'malformed'],
      [{ to: 'everyone', title: 'a', options: { sound: { critical: 'yes' } } }, 400, 'malformed'],
      [{ to: 'everyone', title: 'a', options: { sound: { critical: true, volume: '1' } } }, 400, 'malformed'],
      [{ to: 'everyone', title: 'a', options: { sound: { name: ['bell.wav'] } } }, 400, 'malformed'],
      [{ to: 'everyone', title: 'a', options: { filterCriteria: 1 } }, 400, 'malformed'],
      [{ to: 'everyone', title: 'a', data: { notification_id: '7' } }, 400, 'malformed'],
      [{ to: 'everyone', title: 'a', data: { a: [{ b: '\0' }] } }, 400, 'malformed'],
      [{ to: 'everyone', title: 'a', data: { '\0': 1 } }, 400, 'malformed'],
      [{ to: 'everyone', title: 'a', send_at: '2020-01-01T00:00:00Z' }, 400, 'malformed'],
      [{ to: 'everyone', title: 'a', data: { a: 'x'.repeat(4_100) } }, 413, 'push_too_big'],
      [{ to: 'everyone', body: '🔔'.repeat(1_020) }, 413, 'push_too_big'],
    ]
    for (const [json, status, code] of faults) expect(await notify(json)).toMatchObject({ status, body: { code } })
    expect((await world.call('POST', '/api/notifications', { json: {} })).status).toBe(401)
    expect((await people[0]!.call('POST', '/api/notifications', { json: {} })).status).toBe(403)
  })

  test('a dry run counts by platform and shows what Expo would get', async () => {
    const { status, body } = await notify({
      to: 'everyone',
      title: 'A',
      options: { sound: 'default' },
      dry_run: true,
    })
    expect(status).toBe(200)
    expect(body.audience).toEqual({ devices: 2_404, ios: 2, android: 2_402, unknown: 0, suspended: 0 })
    expect(body.preview).toMatchObject([{ title: 'A', sound: 'default' }, { tag: expect.any(String) }])
    expect((await world.expo.pulse()).accepted).toBe(0)
  })

  test('a topic reaches its followers; who muted the kind is counted as skipped; explain says so', async () => {
    const [ana, ben, cleo] = people as [Person, Person, Person]
    for (const one of [ana, ben, cleo]) await one.call('PUT', '/api/topics/bells/subscription')
    await cleo.call('DELETE', '/api/topics/bells/subscription')
    await ben.call('PUT', '/api/users/me/mutes', { json: { kinds: ['notify'] } })
    const id = await idOf({ to: { topic: 'bells' }, title: 'Up', body: 'They are up', options: { badge: 3 } })
    const { totals } = await ended(id)
    expect(totals).toMatchObject({ targeted: 2, accepted: 1, handed_over: 1, skipped: 1, pending: 0, refused: 0 })
    expect(Object.keys(await world.expo.counts(id))).toHaveLength(1)
    expect((await explain('ana', id)).sentence).toBe('ana got it: Expo handed it to Apple.')
    expect((await explain('ben', id)).sentence).toMatch(/muted notifications of the kind "notify"/)
    expect((await explain('cleo', id)).sentence).toBe('It was for the topic "bells", which cleo does not follow.')
    expect((await explain('nobody', id)).sentence).toBe('There is no user nobody here.')
    await ben.call('PUT', '/api/users/me/mutes', { json: { kinds: [] } })
  })

  test('opened counts once, and only for those it was for', async () => {
    const id = await idOf({ to: { users: ['ana', 'dan'] }, except: ['dan'], title: 'For you' })
    await ended(id)
    const opened = (who: Person) => who.call('POST', `/api/notifications/${id}/opened`)
    for (const status of [200, 200]) expect((await opened(people[0]!)).status).toBe(status)
    for (const who of people.slice(1)) expect((await opened(who)).status).toBe(404)
    expect((await show(id)).opened).toBe(1)
  })

  test('how large an audience is, a list knows before anybody has looked closer', async () => {
    await people[0]!.call('PUT', '/api/topics/ringers/subscription')
    const ids = [
      await idOf({ to: 'everyone', except: ['ana', 'ben'], title: 'a' }),
      await idOf({ to: { topic: 'ringers' }, title: 'b' }),
    ]
    const listed = async () => (await world.operator<{ notifications: Listed[] }>('GET', '/api/notifications')).body
    const rows = await until('their estimates', async () => {
      const { notifications } = await listed()
      const ours = ids.map((id) => notifications.find((one) => one.id === id))
      return ours.every((one) => typeof one?.estimated === 'number') && ours
    })
    expect(rows.map((one) => one?.estimated)).toEqual([2_402, 1])
    for (const id of ids) await ended(id)
  })

  test('what is for later waits, and can be cancelled meanwhile', async () => {
    const later = new Date(Date.now() + LATER_MS).toISOString()
    const [kept, dropped] = [
      await idOf({ to: { users: ['ana'] }, title: 'Later', send_at: later }),
      await idOf({ to: { users: ['ana'] }, title: 'Never', send_at: later }),
    ]
    expect(await show(kept)).toMatchObject({ state: 'queued', scheduled: true, totals: { targeted: 0 } })
    await world.operator('POST', `/api/notifications/${dropped}/cancel`)
    expect(await ended(kept)).toMatchObject({ state: 'finished', totals: { accepted: 1 } })
    expect(Date.now()).toBeGreaterThan(Date.parse(later))
    expect(await show(dropped)).toMatchObject({ state: 'cancelled', totals: { accepted: 0 } })
    expect(await world.expo.counts(dropped)).toEqual({})
  })

  test('a broadcast is paused, resumed and followed to the ledger’s own totals', async () => {
    await world.expo.plan({ latencyMs: SLOW_MS })
    const id = await idOf({ to: 'everyone', title: 'To all' })
    const told = eventsOf<Shown>(world, id)
    await until('its beginning', async () => (await show(id)).totals.accepted! > 0)
    await world.operator('POST', `/api/notifications/${id}/pause`)
    await until('silence', async () =>
      ((one) => one.state === 'paused' && one.totals.pending === one.totals.pending)(await show(id)),
    )
    await world.expo.plan({ latencyMs: 0 })
    expect((await world.operator('POST', `/api/notifications/${id}/resume`)).body).toMatchObject({ success: true })
    const end = await ended(id)
    expect(end.totals).toMatchObject({ targeted: 2_404, accepted: 2_404, handed_over: 2_404, not_reached: 0 })
    const events = await told
    const progress = events.map((event) => event.data.totals.targeted! - event.data.totals.pending!)
    expect(progress).toEqual(progress.toSorted((a, b) => a - b))
    expect(events.at(-1)!.data.totals).toEqual(end.totals)
    const again = await world.operator('GET', `/api/notifications/${id}/events`, {
      headers: { 'last-event-id': events.at(-1)!.id },
    })
    expect(again.status).toBe(204)
  })

  test('a cancel counts the rest as not reached', async () => {
    await world.expo.plan({ latencyMs: SLOW_MS })
    const id = await idOf({ to: 'everyone', title: 'Stop me' })
    await until('its beginning', async () => (await show(id)).totals.targeted! > 0)
    await show(id)
    await world.operator('POST', `/api/notifications/${id}/cancel`)
    await world.expo.plan({ latencyMs: 0 })
    const { totals, state } = await ended(id)
    expect(state).toBe('cancelled')
    expect(totals.accepted! + totals.cancelled! + totals.not_reached!).toBe(2_404)
    expect(Object.keys(await world.expo.counts(id))).toHaveLength(totals.accepted!)
  })

  test('the list goes back page by page', async () => {
    const ids: string[] = []
    for (let before = ''; ; ) {
      const { body } = await world.operator<{ notifications: { id: string }[]; next: string | null }>(
        'GET',
        `/api/notifications?limit=3${before}`,
      )
      ids.push(...body.notifications.map((one) => one.id))
      if (body.next === null) break
      before = `&before=${body.next}`
    }
    expect(ids).toEqual(ids.toSorted().toReversed())
    expect(ids.length).toBeGreaterThan(5)
  })

  test('people are found by id, name and push token, and none of it shows a whole token', async () => {
    const token = await people[3]!.register({
      push_token: 'ExponentPushToken[dans-second-phone-0001]',
      device_type: 'ios',
    })
    for (const search of ['da', 'DAN', 'ExponentPushToken[dans-sec', 'dans-second']) {
      const { body, text } = await world.operator('GET', `/api/operator/people?search=${encodeURIComponent(search)}`)
      expect(body.people).toMatchObject([{ user_id: 'dan', devices: 2 }])
      expect(text).not.toContain(token)
    }
    const { body, text } = await world.operator('GET', '/api/operator/people/dan')
    expect(body).toMatchObject({
      user: { id: 'dan' },
      devices: [{ active: true, history: [{ text: 'Registered by dan.' }] }, {}],
    })
    expect(text).not.toContain(token)
  })
})
