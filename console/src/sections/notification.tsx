/** One notification, as it happens. */
import { useEffect, useState } from 'preact/hooks'
import { call, type Refused, useLoad } from '../api.ts'
import { count, counted, duration, percent } from '../format.ts'
import { useLive } from '../live.ts'
import { Ask } from '../parts/ask.tsx'
import { Card, Stat, StateBadge, Time, Trouble, Waiting } from '../parts/bits.tsx'
import { CourseChart } from '../parts/chart.tsx'
import { Icon } from '../parts/icons.tsx'
import { LoadFailed } from '../parts/nothing-here.tsx'
import { ProgressBar, wholeOf } from '../parts/progress.tsx'
import { go, to } from '../router.ts'
import type { Content, Listed, Progress, Reasons } from '../types.ts'
import { audienceWords } from './notifications.tsx'

type Whole = Listed & Progress & { content: Content }

const isLast = (progress: Progress) => progress.final

export function NotificationSection({ id }: { id: string }) {
  const path = `/api/notifications/${encodeURIComponent(id)}`
  const loaded = useLoad<{ notification: Whole }>(path)
  const live = useLive<Progress>(loaded.data ? `${path}/events` : null, 'progress', isLast)
  const one = loaded.data && { ...loaded.data.notification, ...live.data }
  return (
    <>
      <div class="head">
        <a class="back" href={to('notifications')}>
          <Icon name="back" /> Notifications
        </a>
      </div>
      {loaded.error && (
        <LoadFailed error={loaded.error} again={loaded.again} missing="There is no notification with this id">
          The address may be cut off; or it was long ago, and is not kept any more.
        </LoadFailed>
      )}
      {one === undefined ? !loaded.error && <Waiting rows={6} /> : <Detail one={one} again={loaded.again} />}
    </>
  )
}

function Detail({ one, again }: { one: Whole; again: () => void }) {
  return (
    <>
      <div class="head title">
        <div>
          <h1>{one.title ?? 'Without a title'}</h1>
          {one.body && <p class="said">{one.body}</p>}
          <p class="dim">
            To {audienceWords(one)} · made <Time at={one.created_at} />
            {one.created_by && ` by ${one.created_by}`}
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
        <pre tabIndex={0}>{JSON.stringify(one.content, null, 2)}</pre>
      </Card>
    </>
  )
}

function paceWords(one: Whole, isOver: boolean, settled: number, whole: number): string {
  if (one.scheduled) return `${counted(whole, 'device')} in its audience now`
  if (isOver)
    return `${counted(settled, 'device')} done${one.totals.not_reached > 0 ? `, ${count(one.totals.not_reached)} not reached` : ''}`
  const far = `${count(settled)} of ${one.estimated === null ? 'at least ' : ''}${counted(whole, 'device')}`
  if (one.state === 'paused') return `${far}; paused`
  const rate = one.rate > 0 ? ` · ${count(one.rate)} a second` : ''
  return `${far}${rate}${one.eta_seconds === null ? '' : ` · done in ${duration(one.eta_seconds)}`}`
}

function notSentWords({ totals }: Whole): string {
  const parts = [
    [totals.skipped, 'skipped'],
    [totals.expired, 'expired'],
    [totals.cancelled, 'cancelled'],
    [totals.not_reached, 'not reached'],
  ] as const
  return (
    parts.flatMap(([value, word]) => (value > 0 ? [`${count(value)} ${word}`] : [])).join(', ') || 'nobody left out'
  )
}

function Controls({ one, again }: { one: Whole; again: () => void }) {
  const [asking, setAsking] = useState(false)
  const [error, setError] = useState<Refused>()
  const act = (verb: string) => {
    setAsking(false)
    setError(undefined)
    call('POST', `/api/notifications/${one.id}/${verb}`).then(again, setError)
  }
  const isOver = one.state === 'finished' || one.state === 'cancelled' || one.state === 'expired'
  return (
    <div class="controls">
      {!isOver &&
        (one.state === 'paused' ? (
          <button type="button" class="primary" onClick={() => act('resume')}>
            <Icon name="resume" /> Resume
          </button>
        ) : (
          <button type="button" onClick={() => act('pause')}>
            <Icon name="pause" /> Pause
          </button>
        ))}
      {!isOver && (
        <button type="button" class="danger-quiet" onClick={() => setAsking(true)}>
          <Icon name="cancel" /> Cancel
        </button>
      )}
      {error && <Trouble error={error} />}
      {asking && (
        <Ask
          title="Cancel this notification?"
          verb="Cancel it for good"
          danger
          onYes={() => act('cancel')}
          onNo={() => setAsking(false)}
        >
          <p>What has been sent stays sent. Nobody else will get it, and it cannot be resumed.</p>
        </Ask>
      )}
    </div>
  )
}

/** Reasons change with the numbers; asking every few seconds is enough. */
const REASONS_EVERY_MS = 4_000

function Why({ one }: { one: Whole }) {
  const reasons = useLoad<Reasons>(`/api/notifications/${one.id}/reasons`, one.final ? undefined : REASONS_EVERY_MS)
  useEffect(() => {
    if (one.final) reasons.again()
  }, [one.final])
  if (reasons.data === undefined) return <Waiting rows={3} />
  const { course, skipped, refusals } = reasons.data
  return (
    <>
      <Card title="Over time">
        <CourseChart course={course} />
      </Card>
      <Card title="Why some did not get it">
        {refusals.length === 0 && skipped.length === 0 && (
          <p class="quiet-line">No refusals{one.final ? '.' : ' so far.'}</p>
        )}
        <ul class="errors">
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
              <p class="dim">Expo said: {group.message}</p>
              <p class="examples">
                For example{' '}
                {group.examples.map((example) => (
                  <a key={example.push_token + example.user_id} href={to('explain', example.user_id, one.id)}>
                    {example.user_id}
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

function Hero({ one, again }: { one: Whole; again: () => void }) {
  const { totals } = one
  const isOver = one.state === 'finished' || one.state === 'cancelled' || one.state === 'expired'
  const whole = wholeOf(totals, one.estimated, isOver)
  const settled = totals.targeted - totals.pending
  return (
    <section class="card hero" aria-label="Progress">
      <div class="hero-line">
        <strong class="big">{percent(isOver ? settled + totals.not_reached : settled, whole)}</strong>
        <span class="dim">{paceWords(one, isOver, settled, whole)}</span>
        <Controls one={one} again={again} />
      </div>
      <ProgressBar id={one.id} totals={totals} estimated={one.estimated} isOver={isOver} />
      <dl class="stats books">
        <Stat
          label="Accepted by Expo"
          value={count(totals.accepted)}
          note={`${count(totals.awaiting_receipt)} await a receipt`}
        />
        <Stat label="Handed over" tone="good" value={count(totals.handed_over)} note="to Apple or Google" />
        <Stat
          label="Refused"
          tone={totals.refused + totals.failed > 0 ? 'bad' : ''}
          value={count(totals.refused + totals.failed)}
          note={`${count(totals.refused)} by Expo, ${count(totals.failed)} later`}
        />
        <Stat
          label="Unknown"
          tone={totals.unknown > 0 ? 'warn' : ''}
          value={count(totals.unknown)}
          note="the answer was lost"
        />
        <Stat
          label="Not sent"
          value={count(totals.skipped + totals.expired + totals.cancelled + totals.not_reached)}
          note={notSentWords(one)}
        />
        <Stat
          label="Opened"
          value={count(one.opened)}
          note={totals.handed_over > 0 ? percent(one.opened, totals.handed_over) : 'told by the app'}
        />
      </dl>
    </section>
  )
}
