/** Who is in the club, and what it has said to them in the last weeks. */
import { until } from '../../test/kit/guard.ts'
import { type Club, moveBack, sentLongAgo } from './club.ts'

const MEMBERS = 12_400
const first =
  'Mia Noah Ella Jonas Aisha Luca Freya Omar Ines Felix Zoe Milan Nora Theo Amara Oskar Lina Hugo Maya Elias'
const last = 'Keller Novak Hughes Okafor Lindqvist Moreau Santos Weber Kowalski Rossi Ahmed Jensen Murphy Silva Haas'

export interface Past {
  /** What Tom did not get, and why is asked. */
  missed: string
  /** Another backend's key. */
  bookings: string
}

export async function makeHistory(club: Club): Promise<Past> {
  await crowd(club)
  await members(club)
  const bookings = await keys(club)
  const missed = await season(club, bookings)
  await alarms(club)
  return { missed, bookings }
}

/** Members whom nobody looks at one by one. */
async function crowd(club: Club): Promise<void> {
  await club.sql(
    `with numbers as (select n, split_part($2, ' ', 1 + n % 20) as first, split_part($3, ' ', 1 + n / 20 % 15) as last
         from generate_series(1, $1::int) n),
       people as (insert into belfry.users (id, name, created_at)
         select lower(first || '.' || last) || '.' || n, first || ' ' || last, now() - interval '200 days' from numbers
         returning id)
     insert into belfry.push_tokens (user_id, token, device_type, locale, app_version, created_at, updated_at)
     select id, 'ExponentPushToken[' || substr(md5(id), 1, 22) || ']', case when abs(hashtext(id)) % 5 < 2 then 'ios' else 'android' end,
       'en-GB', '3.2.0', now() - interval '200 days', now() - interval '9 days' from people`,
    [MEMBERS, first, last],
  )
  await club.sql(`insert into belfry.subscriptions (topic, user_id) select 'sunday-run', id from belfry.users
    where abs(hashtext(id)) % 6 = 0`)
}

/** Two of whom something is told: Ana with her phones, and Tom, who has signed out. */
async function members(club: Club): Promise<void> {
  const did = async (who: [user: string, name: string], days: number, method: string, device: object) => {
    await club.call(method, '/api/users/push-token', device, await club.tokenOf(...who))
    const back = `now() - make_interval(days => $1)`
    await club.sql(`update belfry.token_events set at = ${back} where at > now() - interval '1 hour'`, [days])
    await club.sql(`update belfry.push_tokens set created_at = ${back} where created_at > now() - interval '1 hour'`, [
      days,
    ])
  }
  const ana: [string, string] = ['ana.fischer', 'Ana Fischer']
  const tom: [string, string] = ['tom.becker', 'Tom Becker']
  const ios = { device_type: 'ios', locale: 'en-GB', time_zone: 'Europe/London' }
  const android = { ...ios, device_type: 'android' }
  const phone = { ...ios, installation_id: 'anas-phone' }
  const tablet = { ...ios, app_version: '2.9.1', push_token: 'ExponentPushToken[V8sTf4GxLk1qWm6ZnJb3Pd]' }
  const toms = { ...android, app_version: '3.1.4', push_token: 'ExponentPushToken[h4NxVb9KwPa6cOy2ZeRt1S]' }
  await did(ana, 268, 'POST', tablet)
  await did(ana, 210, 'POST', {
    ...phone,
    app_version: '2.9.1',
    push_token: 'ExponentPushToken[kZq3vN8hTt2mYw5RbXc1Lf]',
  })
  await did(tom, 95, 'POST', toms)
  await did(ana, 40, 'POST', {
    ...phone,
    app_version: '3.2.0',
    push_token: 'ExponentPushToken[p7WdJ0xSgE4uHn6AaVy9Ko]',
  })
  await did(ana, 33, 'DELETE', { push_token: tablet.push_token })
  await did(ana, 12, 'POST', {
    ...android,
    app_version: '3.2.0',
    push_token: 'ExponentPushToken[Qm5rCe2BzUi8sFl3GjTo7D]',
  })
  await did(tom, 5, 'DELETE', { push_token: toms.push_token })
}

/** @returns the secret of the one that goes on to send. */
async function keys(club: Club): Promise<string> {
  const make = async (days: number, name: string, scopes: string[], until?: number) => {
    const expires_at = until === undefined ? undefined : new Date(Date.now() + until * 86_400_000).toISOString()
    const made = await club.call<{ key: { id: string }; secret: string }>('POST', '/api/operator/keys', {
      name,
      scopes,
      expires_at,
    })
    await agoOfKey(club, made.key.id, days)
    return made
  }
  const old = await make(320, 'Old website', ['send', 'users'])
  await make(140, 'Nightly report', ['read'], 225)
  const bookings = await make(60, 'Bookings', ['send', 'read'])
  await club.call('DELETE', `/api/operator/keys/${old.key.id}`)
  await club.sql(
    "update belfry.server_keys set revoked_at = now() - interval '59 days', last_used_at = now() - interval '60 days' where id = $1",
    [old.key.id],
  )
  await club.sql("update belfry.audit set at = now() - interval '59 days' where action = 'key.revoke'")
  await club.sql(
    "update belfry.server_keys set last_used_at = now() - interval '11 hours' where name = 'Nightly report'",
  )
  return bookings.secret
}

async function agoOfKey(club: Club, id: string, days: number): Promise<void> {
  await club.sql('update belfry.server_keys set created_at = created_at - make_interval(days => $2) where id = $1', [
    id,
    days,
  ])
  await club.sql("update belfry.audit set at = at - make_interval(days => $2) where subject = 'key:' || $1::text", [
    id,
    days,
  ])
}

async function season(club: Club, bookings: string): Promise<string> {
  const dead = Object.fromEntries((await fewOf(club, 500, 1)).map((token) => [token, 'DeviceNotRegistered']))
  await club.call('PATCH', '/sandbox/api/faults', { ticketErrors: dead })
  const toAll = (hours: number, title: string, body: string) =>
    sentLongAgo(club, hours, { to: 'everyone', title, body })
  await toAll(200, 'The winter timetable is out', 'Tuesdays and Thursdays start at six from November on.')
  const river = { title: 'Sunday: the river loop', body: '18 km, easy. We meet at the boathouse at eight.' }
  await sentLongAgo(club, 149, { to: { topic: 'sunday-run' }, ...river })
  await post(club)
  await stoppedHalfway(club)
  const missed = await toAll(71, 'No parkrun on Saturday', 'The path is under water. The one in Elm Park takes place.')
  const place = { title: 'Your place is confirmed', body: 'Half marathon, 14 March. Number 218.' }
  await sentLongAgo(club, 50, { to: { users: ['ana.fischer'] }, ...place }, bookings)
  const lift = { title: 'Your lift on Sunday', body: 'Nora picks you up at 7:20.' }
  await sentLongAgo(club, 27, { to: { users: ['ana.fischer', 'mia.keller.20'] }, ...lift }, bookings)
  await club.sql(`insert into belfry.opens (notification_id, user_id)
    select n.id, u.id from belfry.notifications n, belfry.users u where n.lane = 'broadcast' and n.state = 'finished'
      and u.id ~ '[0-9]$' and abs(hashtext(u.id || n.id::text)) % 100 < 31`)
  return missed
}

/** Ana writes, and everybody else hears of it. */
async function post(club: Club): Promise<void> {
  const said = { title: 'Ten years of Sunday mornings', text_content: 'A few pictures.', content_type: 'note' }
  const token = await club.tokenOf('ana.fischer', 'Ana Fischer')
  const { notification_id: id } = await club.call('POST', '/api/posts/', said, token)
  await until('its receipts', async () => (await club.look(id!)).final)
  await moveBack(club, id!, 96)
}

/** Push tokens of a few members, evenly from among all. */
export async function fewOf(club: Club, oneIn: number, which: number): Promise<string[]> {
  const rows = await club.sql('select token from belfry.push_tokens where active and id % $1 = $2', [oneIn, which])
  return (rows as { token: string }[]).map(({ token }) => token)
}

/** Somebody saw the mistake in time. */
async function stoppedHalfway(club: Club): Promise<void> {
  await club.call('PATCH', '/sandbox/api/faults', { latencyMs: 700 })
  const id = await club.send({ to: 'everyone', title: 'No parkrun on Sunday', body: 'The path is under water.' })
  await until('a third of it', async () => (await club.look(id)).totals.accepted > MEMBERS / 3)
  await club.call('POST', `/api/notifications/${id}/cancel`)
  await club.call('PATCH', '/sandbox/api/faults', { latencyMs: 0 })
  await until('its end', async () => {
    const { totals } = await club.look(id)
    return totals.pending === 0 && totals.awaiting_receipt === 0
  })
  await moveBack(club, id, 71.2)
}

/** One is settled, and one waits. */
async function alarms(club: Club): Promise<void> {
  await club.sql(`insert into belfry.alarms (kind, project, device_type, raised_at, resolved_at, resolved_by)
    values ('credentials', '@kestrel/app', 'ios', now() - interval '31 days', now() - interval '30 days', 'operator')`)
  await club.sql(`insert into belfry.alarms (kind, project, detail, raised_at)
    values ('flood', '@kestrel/app', '{"answered": 2140, "gone": 388}', now() - interval '40 minutes')`)
}
