/** One person: their devices with their history, and what became of the last notifications. */
import { useState } from 'preact/hooks'
import { call, type Refused, useLoad } from '../api.ts'
import { plain } from '../format.ts'
import { Card, deviceName, Empty, Given, OutcomeBadge, Time, Waiting } from '../parts/bits.tsx'
import { Icon } from '../parts/icons.tsx'
import { LoadFailed } from '../parts/nothing-here.tsx'
import { stepBack, to, useTitle } from '../router.ts'
import type { Person } from '../types.ts'
import { Face } from './people.tsx'
import { PersonData } from './person-data.tsx'

export function PersonSection({ id }: { id: string }) {
  const [isErased, setIsErased] = useState(false)
  const loaded = useLoad<Person>(isErased ? null : `/api/operator/people/${encodeURIComponent(id)}`, 5_000)
  useTitle(isErased ? 'Erased' : loaded.data && (loaded.data.user.name ?? id))
  if (isErased)
    return (
      <Empty
        title="Erased"
        alone
        action={
          <a class="button" href={to('people')}>
            People
          </a>
        }
      >
        <Given text={id} /> is nobody here any more. Should their app call again, they begin anew.
      </Empty>
    )
  return (
    <>
      <div class="head">
        <a class="back" href={to('people')} onClick={stepBack}>
          <Icon name="back" /> People
        </a>
      </div>
      {loaded.error && (
        <LoadFailed error={loaded.error} again={loaded.again} missing="There is no user with this id">
          Users are known from their first call on, until they are erased.
        </LoadFailed>
      )}
      {loaded.data === undefined ? (
        !loaded.error && <Waiting rows={6} />
      ) : (
        <Detail person={loaded.data} again={loaded.again} onErased={() => setIsErased(true)} />
      )}
    </>
  )
}

function Detail({ person, again, onErased }: { person: Person; again: () => void; onErased: () => void }) {
  const { user, devices, recent } = person
  return (
    <>
      <div class="head title">
        <Face id={user.id} name={user.name} />
        <div>
          <h1>{plain(user.name ?? user.id)}</h1>
          <p class="dim">
            <Given text={user.id} />
            {user.mutes.length > 0 && ` · has muted ${user.mutes.join(', ')}`}
            {user.topics.length > 0 && (
              <>
                {' '}
                · follows <Given text={user.topics.join(', ')} />
              </>
            )}
          </p>
        </div>
        <TestPush id={user.id} again={again} />
      </div>
      <Recent user={user} recent={recent} />
      <h2 class="between">Devices</h2>
      {devices.length === 0 && (
        <Empty title="No device">The user needs to open the app once so that it registers a push token.</Empty>
      )}
      <div class="devices">
        {devices.map((device) => (
          <Device key={device.id} device={device} />
        ))}
      </div>
      <PersonData id={user.id} onErased={onErased} />
    </>
  )
}

interface Tested {
  success: boolean
  sent: number
  error?: string
  hint?: string
}

function TestPush({ id, again }: { id: string; again: () => void }) {
  const [said, setSaid] = useState<string>()
  const [busy, setBusy] = useState(false)
  const test = async () => {
    setBusy(true)
    setSaid(undefined)
    await call<Tested>('POST', `/test-push-notification/${encodeURIComponent(id)}`).then(
      (answer) =>
        setSaid(
          answer.success
            ? `Expo took it for ${answer.sent === 1 ? 'one device' : `${answer.sent} devices`}.`
            : `${answer.error}. ${answer.hint ?? ''}`,
        ),
      (refused: Refused) => setSaid(`${refused.message}. ${refused.hint ?? ''}`),
    )
    setBusy(false)
    again()
  }
  return (
    <div class="controls">
      <button type="button" disabled={busy} onClick={() => void test()}>
        <Icon name="notifications" /> {busy ? 'Ringing…' : 'Send a test push'}
      </button>
      <p class="said-line" role="status">
        {said}
      </p>
    </div>
  )
}

function Recent({ user, recent }: Pick<Person, 'user' | 'recent'>) {
  return (
    <Card title="What became of the last notifications" aside={<span class="dim">choose one to see why</span>}>
      {recent.length === 0 ? (
        <p class="quiet-line">None yet.</p>
      ) : (
        <ul class="list inside">
          {recent.map((one) => (
            <li key={one.id}>
              <a href={to('explain', user.id, one.id)}>
                <span class="what">
                  <strong>{one.title ?? 'Without a title'}</strong>
                  <span class="dim">{one.lane === 'broadcast' ? 'Broadcast' : 'Direct'}</span>
                </span>
                <span class="badges">
                  {one.outcomes.length === 0 ? (
                    <OutcomeBadge
                      outcome={['queued', 'sending', 'paused'].includes(one.state) ? 'not_yet' : 'not_sent'}
                    />
                  ) : (
                    timesOf(one.outcomes).map(([outcome, times]) => (
                      <OutcomeBadge outcome={outcome} times={times} key={outcome} />
                    ))
                  )}
                </span>
                <Time at={one.created_at} />
              </a>
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}

function timesOf(outcomes: string[]): [outcome: string, times: number][] {
  return [...new Set(outcomes)].map((one) => [one, outcomes.filter((other) => other === one).length])
}

function Device({ device }: { device: Person['devices'][number] }) {
  return (
    <Card
      title={
        <>
          <Icon name="phone" /> {deviceName(device.device_type)}
        </>
      }
      aside={<span class={`badge ${device.active ? 'good' : 'dim'}`}>{device.active ? 'Active' : 'Not active'}</span>}
    >
      <p class="token">{device.push_token}</p>
      {!device.active && <p>Not active: {device.state}.</p>}
      <p class="dim">
        {plain(
          [device.app_version && `app ${device.app_version}`, device.locale, device.time_zone, device.project]
            .filter(Boolean)
            .join(' · '),
        ) || 'The app has told nothing more about it.'}
      </p>
      <ol class="steps">
        {device.history.map((event, index) => (
          <li key={index}>
            <Time at={event.at} />
            <span>{plain(event.text)}</span>
          </li>
        ))}
      </ol>
    </Card>
  )
}
