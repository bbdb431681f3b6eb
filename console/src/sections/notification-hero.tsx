/** How far a notification is, in one line, one bar and six numbers; and the hand on it. */
import { useState } from 'preact/hooks'
import { call, useDeed } from '../api.ts'
import { count, counted, duration, percent } from '../format.ts'
import { Ask } from '../parts/ask.tsx'
import { Stat, Trouble } from '../parts/bits.tsx'
import { Icon } from '../parts/icons.tsx'
import { hasEnded, ProgressBar, reachedOf, wholeOf } from '../parts/progress.tsx'
import type { Content, Listed, Progress } from '../types.ts'
import { skipWords } from './notifications.tsx'

export type Whole = Listed & Progress & { content: Content }

export function Hero({ one, again }: { one: Whole; again: () => void }) {
  const { totals } = one
  const isOver = hasEnded(one.state)
  const whole = wholeOf(totals, one.estimated, isOver)
  return (
    <section class="card hero" aria-label="Progress">
      <div class="hero-line">
        <strong class="big">{headline(one, whole)}</strong>
        <span class="dim">{paceWords(one, whole)}</span>
        <Controls one={one} again={again} />
      </div>
      <ProgressBar id={one.id} totals={totals} estimated={one.estimated} isOver={isOver} />
      <dl class="stats books">
        <Stat
          label="Accepted by Expo"
          value={count(totals.accepted)}
          note={`${count(totals.awaiting_receipt)} await a receipt`}
        />
        <Stat
          label="Handed over"
          tone={totals.handed_over > 0 ? 'good' : ''}
          value={count(totals.handed_over)}
          note="to Apple or Google"
        />
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

/** The large words: how far it is, or how far it had come when it ended. */
function headline({ state, skip_reason, totals }: Whole, whole: number): string {
  const reached = reachedOf(totals)
  if (state === 'cancelled' || state === 'expired') {
    const word = state === 'cancelled' ? 'Cancelled' : 'Expired'
    return reached === 0 ? word : `${word} at ${percent(reached, whole)}`
  }
  if (skip_reason !== null) return 'Not sent'
  return percent(totals.targeted - totals.pending, whole)
}

function paceWords(one: Whole, whole: number): string {
  const { state, totals } = one
  const settled = totals.targeted - totals.pending
  if (state === 'cancelled' || state === 'expired') {
    const reached = reachedOf(totals) - totals.skipped
    return `${reached === 0 ? 'none' : count(reached)} of ${counted(whole, 'device')} reached`
  }
  if (one.scheduled) return `${counted(whole, 'device')} in its audience now`
  if (one.skip_reason !== null) return skipWords[one.skip_reason] ?? one.skip_reason
  if (state === 'finished') return `${counted(settled, 'device')} done`
  const far = `${count(settled)} of ${one.estimated === null ? 'at least ' : ''}${counted(whole, 'device')}`
  if (state === 'paused') return `${far}; paused`
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
  const { busy, error, run } = useDeed()
  const act = (verb: string) => {
    setAsking(false)
    void run(() => call('POST', `/api/notifications/${one.id}/${verb}`).then(again))
  }
  const isOver = hasEnded(one.state)
  return (
    <div class="controls">
      {!isOver &&
        (one.state === 'paused' ? (
          <button type="button" class="primary" disabled={busy} onClick={() => act('resume')}>
            <Icon name="resume" /> Resume
          </button>
        ) : (
          <button type="button" disabled={busy} onClick={() => act('pause')}>
            <Icon name="pause" /> Pause
          </button>
        ))}
      {!isOver && (
        <button type="button" class="danger-quiet" disabled={busy} onClick={() => setAsking(true)}>
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
