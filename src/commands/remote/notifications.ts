/** `belfry notifications` and `belfry explain`: what became of what was sent. */
import { told } from '../times.ts'
import { endOf, type Followed } from './progress.ts'
import { columns, count, plain, print, server } from './remote.ts'

interface Listed extends Followed {
  id: string
  title: string | null
  created_at: string
  send_at: string | null
}

export async function listNotifications(options: { limit: string; before?: string; json?: boolean }): Promise<void> {
  const query = new URLSearchParams({
    limit: options.limit,
    ...(options.before !== undefined && { before: options.before }),
  })
  const answer = await server().call<{ notifications: Listed[] }>('GET', `/api/notifications?${query.toString()}`)
  print(options.json, answer, () =>
    columns([
      ['ID', 'STATE', 'MADE', 'ACCEPTED', 'OF', 'REFUSED', 'TITLE'],
      ...answer.notifications.map((one) => [
        one.id,
        one.scheduled ? 'scheduled' : one.state,
        told(one.created_at),
        count(one.totals.accepted),
        count(one.totals.targeted),
        count(one.totals.refused + one.totals.failed),
        plain(one.title).slice(0, 40),
      ]),
    ]),
  )
}

export async function showNotification(id: string, options: { json?: boolean }): Promise<void> {
  const answer = await server().call<{ notification: Listed }>('GET', `/api/notifications/${encodeURIComponent(id)}`)
  const one = answer.notification
  print(options.json, answer, () =>
    [
      `${plain(one.title ?? 'Without a title')}`,
      endOf(one),
      '',
      columns([
        ...Object.entries(one.totals).map(([name, value]) => [name.replaceAll('_', ' '), count(value)]),
        ...(one.scheduled ? [['goes out', told(one.send_at)]] : []),
        ...(one.estimated === null ? [] : [['estimated', count(one.estimated)]]),
        ...(one.rate > 0 ? [['a second', count(one.rate)]] : []),
        ...(one.eta_seconds === null ? [] : [['seconds left', count(one.eta_seconds)]]),
        ...(one.postponed === null ? [] : [['waits', plain(one.postponed)]]),
      ]),
    ].join('\n'),
  )
}

export async function control(
  verb: 'pause' | 'resume' | 'cancel',
  id: string,
  options: { json?: boolean },
): Promise<void> {
  const answer = await server().call<{ id: string; state: string }>(
    'POST',
    `/api/notifications/${encodeURIComponent(id)}/${verb}`,
  )
  print(options.json, answer, () => `${answer.id} is ${answer.state}`)
}

interface Explained {
  user: { known: boolean }
  sentence: string
  hint?: string
  devices: {
    push_token: string
    device_type: string | null
    words: string
    steps: { at: string | null; text: string }[]
  }[]
}

/** Exit code 1: there is nobody, or nothing, to explain it of. */
export async function explain(user: string, notification: string, options: { json?: boolean }): Promise<void> {
  const query = new URLSearchParams({ user, notification })
  const answer = await server().call<Explained>('GET', `/api/operator/explain?${query.toString()}`)
  print(options.json, answer, () =>
    [
      plain(answer.sentence),
      ...(answer.hint === undefined ? [] : [answer.hint]),
      ...answer.devices.flatMap((device) => [
        '',
        `${device.push_token} (${device.device_type ?? 'unknown platform'}): ${plain(device.words)}`,
        ...device.steps.map((step) => `  ${told(step.at)}  ${plain(step.text)}`),
      ]),
    ].join('\n'),
  )
  if (!answer.user.known) process.exitCode = 1
}
