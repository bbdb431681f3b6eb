/** What is going on at this moment. */
import { useLoad } from '../api.ts'
import { count, counted, plain } from '../format.ts'
import { Away, Card, Given, Stat, StateBadge, Time, Waiting } from '../parts/bits.tsx'
import { RateChart } from '../parts/chart.tsx'
import { to } from '../router.ts'
import type { Now } from '../types.ts'
import { triedAgain } from './alarms.tsx'

const queueNames: Record<string, string> = {
  'send-direct': 'Direct',
  'send-broadcast': 'Broadcast chunks',
  'fan-out': 'Fan-out',
  receipts: 'Receipts',
}

/** @param isAway the stream that it comes by is cut. */
export function NowSection({ now, isAway }: { now: Now | undefined; isAway: boolean }) {
  return (
    <>
      <div class="head">
        <h1>Now</h1>
      </div>
      {isAway && <Away {...(now && { at: now.at })} />}
      {now === undefined ? <Waiting rows={6} /> : <Present now={now} />}
    </>
  )
}

function Present({ now }: { now: Now }) {
  const queues = now.queues.filter((queue) => queueNames[queue.queue])
  return (
    <>
      {now.breakers.map((breaker) => (
        <a class="banner bad" href={to('alarms')} key={breaker.project}>
          <strong>
            Sending{' '}
            {breaker.project !== '' && (
              <>
                to project <Given text={breaker.project} />{' '}
              </>
            )}
            is held back.
          </strong>{' '}
          {plain(breaker.reason)}; {triedAgain(breaker)}.
        </a>
      ))}
      {now.alarms > 0 && (
        <a class="banner warn" href={to('alarms')}>
          <strong>{counted(now.alarms, 'alarm')}</strong> {now.alarms === 1 ? 'waits' : 'wait'} for your decision.
        </a>
      )}
      <Lookout />
      <Figures now={now} />
      <Card title="Rate">
        <RateChart now={now} />
      </Card>
      <div class="columns">
        <Card title="Under way">
          {now.under_way.length === 0 ? (
            <p class="quiet-line">Nothing is being sent. All is calm.</p>
          ) : (
            <ul class="lines">
              {now.under_way.map((one) => (
                <li key={one.id}>
                  <a href={to('notifications', one.id)}>{one.title ?? 'Without a title'}</a>
                  <StateBadge state={one.state} scheduled={one.scheduled} />
                  {one.postponed && <span class="dim">{one.postponed}</span>}
                </li>
              ))}
            </ul>
          )}
        </Card>
        <Card title="Queues">
          <Queues queues={queues} />
        </Card>
      </div>
      <Card title="Last refusals">
        {now.last_errors.length === 0 ? (
          <p class="quiet-line">Neither Expo nor Apple nor Google has said no lately.</p>
        ) : (
          <Refusals errors={now.last_errors} />
        )}
      </Card>
    </>
  )
}

/** What the server asks somebody to look at, but for what stands above it already. */
const told = ['breaker_open', 'flood_held', 'credentials']
const LOOK_EVERY_MS = 10_000

function Lookout() {
  const { data } = useLoad<{ reasons?: { code: string; sentence: string }[] }>('/readyz', LOOK_EVERY_MS)
  const reasons = data?.reasons?.filter(({ code }) => !told.includes(code)) ?? []
  return reasons.map(({ code, sentence }) => (
    <p class="banner warn" key={code}>
      <strong>{sentence}.</strong>
      {code.endsWith('_late') && ' Unless sending is held back, see that a worker is running.'}
    </p>
  ))
}

function Figures({ now }: { now: Now }) {
  // Five seconds that have ended.
  const end = Math.floor(Date.parse(now.at) / 1_000)
  const recent = now.seconds.filter((second) => second.at >= end - 5 && second.at < end)
  const rate = (lane: 'direct' | 'broadcast') => Math.round(recent.reduce((sum, second) => sum + second[lane], 0) / 5)
  const all = rate('direct') + rate('broadcast')
  // From the saved intent on: up to two for each connection.
  const begun = now.in_flight.direct + now.in_flight.broadcast
  const queues = now.queues.filter((queue) => queueNames[queue.queue])
  const ready = queues.reduce((sum, queue) => sum + queue.ready + queue.active, 0)
  return (
    <dl class="stats">
      <Stat
        label="Notifications a second"
        value={count(all)}
        note={now.rate_limit > 0 ? `of ${count(now.rate_limit)} that Expo takes` : 'no limit is set'}
      />
      <Stat
        label="Requests begun, not answered"
        value={count(begun)}
        note={`${count(now.in_flight.direct)} direct, ${count(now.in_flight.broadcast)} broadcast`}
      />
      <Stat label="Waiting in the queue" value={count(ready)} note="jobs to be done now" />
      <Stat
        label="Breaker"
        tone={now.breakers.length > 0 ? 'bad' : 'good'}
        value={now.breakers.length > 0 ? 'Open' : 'Closed'}
        note={breakerWords(now.breakers)}
      />
    </dl>
  )
}

function breakerWords(breakers: Now['breakers']): string {
  if (breakers.length === 0) return 'nothing is held back'
  const isAll = breakers.some(({ project }) => project === '')
  return isAll ? 'Expo is not asked for now' : `for ${counted(breakers.length, 'project')}`
}

function Queues({ queues }: { queues: Now['queues'] }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Queue</th>
          <th scope="col" class="number">
            Ready
          </th>
          <th scope="col" class="number">
            Working
          </th>
          <th scope="col" class="number">
            Later
          </th>
        </tr>
      </thead>
      <tbody>
        {queues.map((queue) => (
          <tr key={queue.queue}>
            <th scope="row">{queueNames[queue.queue]}</th>
            <td class="number">{count(queue.ready)}</td>
            <td class="number">{count(queue.active)}</td>
            <td class="number">{count(queue.later)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Refusals({ errors }: { errors: Now['last_errors'] }) {
  return (
    <ul class="errors">
      {errors.map((error) => (
        <li key={`${error.code}${error.stage}`}>
          <div>
            <code>{error.code ?? 'no code'}</code>
            <span class="dim">
              {count(error.count)} of the last refusals, in the {error.stage}
            </span>
            <Time at={error.at} exact />
          </div>
          <p>{plain(error.message)}</p>
          <a href={to('notifications', error.notification_id)}>Its notification</a>
        </li>
      ))}
    </ul>
  )
}
