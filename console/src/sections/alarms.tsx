/** What waits for a person's decision: what happened, what it means, and what to do. */
import { useEffect, useState } from 'preact/hooks'
import { call, useDeed, useLoad } from '../api.ts'
import { count, duration, plain } from '../format.ts'
import { Ask } from '../parts/ask.tsx'
import { Card, deviceName, Empty, Time, Trouble, Waiting } from '../parts/bits.tsx'
import type { Alarm, Breaker } from '../types.ts'

interface Alarms {
  alarms: Alarm[]
  resolved: Alarm[]
  breakers: Breaker[]
}

/** @param open how many there are, as the live stream has it: a change is looked at once. */
export function AlarmsSection({ open }: { open: number }) {
  const loaded = useLoad<Alarms>('/api/operator/alarms', 5_000)
  useEffect(loaded.again, [open])
  const { data } = loaded
  return (
    <>
      <div class="head">
        <h1>Alarms</h1>
      </div>
      {loaded.error && <Trouble error={loaded.error} again={loaded.again} />}
      {data === undefined ? (
        !loaded.error && <Waiting rows={3} />
      ) : (
        <>
          {data.alarms.length === 0 && data.breakers.length === 0 && (
            <Empty title="No alarms">No flood is held, no credentials are refused, and Expo answers.</Empty>
          )}
          {data.breakers.map((breaker) => (
            <BreakerCard breaker={breaker} key={breaker.project} />
          ))}
          {data.alarms.map((alarm) => (
            <AlarmCard alarm={alarm} again={loaded.again} key={alarm.id} />
          ))}
          {data.resolved.length > 0 && (
            <Card title="Settled before">
              <ul class="lines">
                {data.resolved.map((alarm) => (
                  <li key={alarm.id}>
                    <span>{titles[alarm.kind]}</span>
                    <span class="dim">by {alarm.resolved_by ?? 'itself'}</span>
                    {alarm.resolved_at && <Time at={alarm.resolved_at} />}
                  </li>
                ))}
              </ul>
            </Card>
          )}
        </>
      )}
    </>
  )
}

/** When Expo is asked again: with the next that is due, where nothing waits. */
export function triedAgain({ remaining_seconds }: Breaker): string {
  return remaining_seconds > 0
    ? `tried again in ${duration(remaining_seconds)}`
    : 'tried again with the next that is due'
}

const titles = { flood: 'A flood of dead push tokens is held', credentials: "The app's push credentials are refused" }

function BreakerCard({ breaker }: { breaker: Breaker }) {
  return (
    <Card title="Sending is held back" aside={<span class="badge bad">Breaker open</span>}>
      <p>
        <strong>{plain(breaker.reason)}</strong>
        {breaker.project !== '' && <span class="dim"> Project {plain(breaker.project)}.</span>}
      </p>
      <dl class="advice">
        <dt>What it means</dt>
        <dd>
          Expo is down, or refuses the access token. What is due waits, and goes on by itself; what had been sent three
          times without a clear answer is unknown.
        </dd>
        <dt>What to do</dt>
        <dd>
          Nothing, when Expo is down: it is {triedAgain(breaker)}. When the token is refused, put the right one into
          EXPO_ACCESS_TOKEN and start again.
        </dd>
      </dl>
    </Card>
  )
}

function AlarmCard({ alarm, again }: { alarm: Alarm; again: () => void }) {
  const [asking, setAsking] = useState<'confirm' | 'release'>()
  const { busy, error, run } = useDeed()
  const act = (verb: string) => {
    setAsking(undefined)
    void run(() => call('POST', `/api/operator/alarms/${alarm.id}/${verb}`).then(again))
  }
  const isFlood = alarm.kind === 'flood'
  const { gone, answered } = alarm.detail as { gone?: number; answered?: number }
  return (
    <Card title={titles[alarm.kind]} aside={<Time at={alarm.raised_at} />}>
      <p>
        {isFlood
          ? `Of ${count(answered ?? 0)} answers within an hour, ${count(gone ?? 0)} said that the app is gone from the device.`
          : `${alarm.device_type === '' ? 'Apple or Google' : alarm.device_type === 'ios' ? 'Apple' : 'Google'} refused the app's key${alarm.device_type === '' ? '' : ` for ${deviceName(alarm.device_type as 'ios' | 'android')}`}.`}
        {alarm.project !== '' && <span class="dim"> Project {plain(alarm.project)}.</span>}
      </p>
      <Advice isFlood={isFlood} />
      {error && <Trouble error={error} />}
      <div class="buttons">
        {isFlood && (
          <button type="button" class="danger-quiet" disabled={busy} onClick={() => setAsking('confirm')}>
            Confirm: they are gone
          </button>
        )}
        <button type="button" class="primary" disabled={busy} onClick={() => setAsking('release')}>
          {isFlood ? 'Release: they stay' : 'The key is renewed: release'}
        </button>
      </div>
      {asking && (
        <Ask
          title={`${asking === 'confirm' ? 'Retire' : 'Release'} ${alarm.project === '' ? 'them' : `those of ${plain(alarm.project)}`}?`}
          verb={asking === 'confirm' ? 'Retire them' : 'Release them'}
          danger={asking === 'confirm'}
          onYes={() => act(asking)}
          onNo={() => setAsking(undefined)}
        >
          <p>
            {asking === 'confirm'
              ? 'Nothing is sent to them any more, until their app registers again.'
              : isFlood
                ? 'They stay active, and the count of the last hour begins anew.'
                : 'They are sent to again from now on.'}
          </p>
        </Ask>
      )}
    </Card>
  )
}

function Advice({ isFlood }: { isFlood: boolean }) {
  return (
    <dl class="advice">
      <dt>What it means</dt>
      <dd>
        {isFlood
          ? 'So many at once are seldom true: Expo has called half of a user base dead before. They are held, and are still sent to.'
          : 'Their push tokens are good, but nothing gets through. They are suspended, and none is lost.'}
      </dd>
      <dt>What to do</dt>
      <dd>
        {isFlood
          ? "Look at Expo's status page and at your last app release. Release them when it was Expo's fault; confirm when you know that they are gone."
          : "Renew the push key in the project's credentials at Expo. Then release; or wait, a probe finds out by itself."}
      </dd>
    </dl>
  )
}
