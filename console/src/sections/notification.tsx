/** One notification, as it happens. */
import { useEffect, useState } from 'preact/hooks'
import { useLoad } from '../api.ts'
import { count, plain } from '../format.ts'
import { useLive } from '../live.ts'
import { Away, Card, StateBadge, Time, Trouble, Waiting } from '../parts/bits.tsx'
import { CourseChart } from '../parts/chart.tsx'
import { Icon } from '../parts/icons.tsx'
import { Creator, useKeyNames } from '../parts/named.tsx'
import { LoadFailed } from '../parts/nothing-here.tsx'
import { hasEnded } from '../parts/progress.tsx'
import { go, stepBack, to, useTitle } from '../router.ts'
import type { Progress, Reasons } from '../types.ts'
import { Hero, type Whole } from './notification-hero.tsx'
import { audienceWords } from './notifications.tsx'

const isLast = (progress: Progress) => progress.final

export function NotificationSection({ id }: { id: string }) {
  const path = `/api/notifications/${encodeURIComponent(id)}`
  const loaded = useLoad<{ notification: Whole }>(path)
  const live = useLive<Progress>(loaded.data ? `${path}/events` : null, 'progress', isLast)
  const one = loaded.data && { ...loaded.data.notification, ...live.data }
  useTitle(one && (one.title ?? one.body ?? 'Without words'))
  return (
    <>
      <div class="head">
        <a class="back" href={to('notifications')} onClick={stepBack}>
          <Icon name="back" /> Notifications
        </a>
      </div>
      {loaded.error && (
        <LoadFailed error={loaded.error} again={loaded.again} missing="There is no notification with this id">
          The address may be cut off; or it was long ago, and is not kept any more.
        </LoadFailed>
      )}
      {live.status === 'away' && <Away />}
      {one === undefined ? !loaded.error && <Waiting rows={6} /> : <Detail one={one} again={loaded.again} />}
    </>
  )
}

function Detail({ one, again }: { one: Whole; again: () => void }) {
  const names = useKeyNames()
  return (
    <>
      <div class="head title">
        <div>
          <h1>{one.title ?? 'Without a title'}</h1>
          {one.body && <p class="said">{one.body}</p>}
          <p class="dim">
            To {audienceWords(one)} · made <Time at={one.created_at} />
            {one.created_by && (
              <>
                {' '}
                by <Creator by={one.created_by} names={names} />
              </>
            )}
            {one.scheduled && one.send_at && (
              <>
                {' '}
                · goes out <Time at={one.send_at} />
              </>
            )}
          </p>
        </div>
        <StateBadge state={one.state} scheduled={one.scheduled} />
      </div>
      {one.postponed && (
        <p class="banner warn">
          <strong>It waits.</strong> {one.postponed}
        </p>
      )}
      <Hero one={one} again={again} />
      <Why one={one} />
      <AskAbout id={one.id} />
      <Card title="Payload">
        <pre tabIndex={0}>{plain(JSON.stringify(one.content, null, 2))}</pre>
      </Card>
    </>
  )
}

/** Reasons change with the numbers; asking every few seconds is enough. */
const REASONS_EVERY_MS = 4_000

function Why({ one }: { one: Whole }) {
  const reasons = useLoad<Reasons>(`/api/notifications/${one.id}/reasons`, one.final ? undefined : REASONS_EVERY_MS)
  useEffect(() => {
    if (one.final) reasons.again()
  }, [one.final])
  if (reasons.data === undefined)
    return reasons.error ? <Trouble error={reasons.error} again={reasons.again} /> : <Waiting rows={3} />
  const { course, skipped, refusals } = reasons.data
  const { unknown } = one.totals
  return (
    <>
      <Card title="Over time">
        <CourseChart course={course} isOver={hasEnded(one.state)} />
      </Card>
      <Card title="Why some did not get it">
        {refusals.length === 0 && skipped.length === 0 && unknown === 0 && (
          <p class="quiet-line">No refusals{one.final ? '.' : ' so far.'}</p>
        )}
        <ul class="errors">
          {unknown > 0 && <Unknown devices={unknown} />}
          {skipped.map((group) => (
            <li key={group.reason}>
              <div>
                <code>skipped: {group.reason}</code>
                <strong>{count(group.count)}</strong>
              </div>
              <p>
                {group.reason === 'muted'
                  ? 'Their users do not want to hear this kind.'
                  : "Suspended: the app's Apple or Google key was refused."}
              </p>
            </li>
          ))}
          {refusals.map((group) => (
            <li key={`${group.stage}${group.code}`}>
              <div>
                <code>{group.code ?? 'no code'}</code>
                <strong>{count(group.count)}</strong>
                <span class="dim">in the {group.stage}</span>
              </div>
              <p>{group.hint}</p>
              <p class="dim">Expo said: {plain(group.message)}</p>
              <p class="examples">
                For example{' '}
                {group.examples.map((example) => (
                  <a key={example.push_token + example.user_id} href={to('explain', example.user_id, one.id)}>
                    {plain(example.user_id)}
                  </a>
                ))}
              </p>
            </li>
          ))}
        </ul>
      </Card>
    </>
  )
}

function Unknown({ devices }: { devices: number }) {
  return (
    <li>
      <div>
        <code>unknown</code>
        <strong>{count(devices)}</strong>
      </div>
      <p>
        Expo gave no clear answer, to the last attempt either: they may have rung, or not. They are not sent to again.
      </p>
    </li>
  )
}

function AskAbout({ id }: { id: string }) {
  const [user, setUser] = useState('')
  return (
    <Card title="Why did this user not get it?">
      <form
        class="inline"
        onSubmit={(event) => {
          event.preventDefault()
          if (user.trim() !== '') go('explain', user.trim(), id)
        }}
      >
        <label class="field">
          <span class="visually-hidden">User id</span>
          <input placeholder="User id" value={user} onInput={(event) => setUser(event.currentTarget.value)} />
        </label>
        <button type="submit">Explain</button>
      </form>
    </Card>
  )
}
