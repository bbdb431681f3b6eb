/** Small pieces that every section is made of. */
import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Refused } from '../api.ts'
import { count, exactTime, plain, shortExactTime, shortTime, timeOfDay } from '../format.ts'
import type { State } from '../types.ts'

export function Card({
  title,
  aside,
  children,
  tight,
}: {
  title?: ComponentChildren
  aside?: ComponentChildren
  children: ComponentChildren
  tight?: boolean
}) {
  return (
    <section class={`card${tight ? ' tight' : ''}`}>
      {title !== undefined && (
        <header class="card-head">
          <h2>{title}</h2>
          {aside}
        </header>
      )}
      {children}
    </section>
  )
}

/** Words from outside within others: they keep to their own place in the line. */
export const Given = ({ text }: { text: string }) => <bdi>{plain(text)}</bdi>

/** Short; the exact time on hover. */
export function Time({ at, exact }: { at: string; exact?: boolean }) {
  return (
    <time dateTime={at} title={exactTime(at)}>
      {exact ? shortExactTime(at) : shortTime(at)}
    </time>
  )
}

const stateWords: Record<State | 'scheduled', [word: string, tone: string]> = {
  scheduled: ['Scheduled', 'calm'],
  queued: ['Queued', 'calm'],
  sending: ['Sending', 'busy'],
  paused: ['Paused', 'warn'],
  finished: ['Finished', 'good'],
  cancelled: ['Cancelled', 'dim'],
  expired: ['Expired', 'bad'],
}

export function StateBadge({ state, scheduled }: { state: State; scheduled?: boolean }) {
  const [word, tone] = stateWords[scheduled ? 'scheduled' : state]
  return <span class={`badge ${tone}`}>{word}</span>
}

const outcomeTones: Record<string, string> = {
  handed_over: 'good',
  accepted: 'good',
  no_receipt: 'calm',
  pending: 'busy',
  not_yet: 'calm',
  unknown: 'warn',
  refused: 'bad',
  failed: 'bad',
}
const outcomeWords: Record<string, string> = {
  handed_over: 'Handed over',
  accepted: 'Accepted',
  no_receipt: 'No receipt',
  not_in_audience: 'Not sent',
  not_yet: 'Not yet',
  not_sent: 'Not sent',
  muted: 'Muted',
  credentials: 'Suspended',
}

/** @param times of how many devices. */
export function OutcomeBadge({ outcome, times = 1 }: { outcome: string; times?: number }) {
  const word = outcomeWords[outcome] ?? outcome.charAt(0).toUpperCase() + outcome.slice(1)
  return (
    <span class={`badge ${outcomeTones[outcome] ?? 'dim'}`}>
      {times > 1 && `${count(times)} × `}
      {word}
    </span>
  )
}

interface Nothing {
  title: string
  children?: ComponentChildren
  action?: ComponentChildren
  /** It is the whole page. */
  alone?: boolean
}

export function Empty({ title, children, action, alone }: Nothing) {
  const Heading = alone ? 'h1' : 'h2'
  return (
    <div class="empty">
      <svg viewBox="0 0 120 90" aria-hidden="true">
        <path class="e-tower" d="M38 88V40l22-18 22 18v48M50 88V68h20v20" />
        <path class="e-bell" d="M52 54c0-7 3-11 8-11s8 4 8 11l3 4H49zM58 60.500a2 2 0 0 0 4 0" />
        <path class="e-far" d="M8 88h104M20 30c4-4 8-4 11-1M92 22c4-4 8-4 11-1" />
      </svg>
      <Heading>{title}</Heading>
      {children !== undefined && <p>{children}</p>}
      {action}
    </div>
  )
}

export function Trouble({ error, again }: { error: Refused; again?: () => void }) {
  return (
    <div class="trouble" role="alert">
      <strong>
        {error.message}
        {error.hint && '.'}
      </strong>
      {error.hint && <span> {error.hint}</span>}
      {again && (
        <button type="button" class="small" onClick={again}>
          Try again
        </button>
      )}
    </div>
  )
}

/** A stream that is cut comes back at once, most of the time; nothing is said of that. */
const SAID_AFTER_MS = 3_000

/** Above numbers that came by a stream which is cut. @param at when they were true. */
export function Away({ at }: { at?: string }) {
  const [isLong, setIsLong] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setIsLong(true), SAID_AFTER_MS)
    return () => clearTimeout(timer)
  }, [])
  if (!isLong) return null
  return (
    <p class="banner bad" role="status">
      <strong>The server does not answer.</strong> What stands here is old{at && `, from ${timeOfDay(at)}`}. It is asked
      again by itself.
    </p>
  )
}

/** Takes the room that the answer will take, so that nothing jumps. */
export function Waiting({ rows = 4 }: { rows?: number }) {
  return (
    <div class="waiting" role="status" aria-busy="true" aria-label="Loading">
      {Array.from({ length: rows }, (_, index) => (
        <div class="bone" key={index} />
      ))}
    </div>
  )
}

export function Stat({
  label,
  value,
  note,
  tone,
}: {
  label: string
  value: ComponentChildren
  note?: ComponentChildren
  tone?: string
}) {
  return (
    <div class={`stat ${tone ?? ''}`}>
      <dt>{label}</dt>
      <dd>{value}</dd>
      {note !== undefined && <dd class="note">{note}</dd>}
    </div>
  )
}

export const deviceName = (type: 'ios' | 'android' | null) =>
  type === 'ios' ? 'iPhone' : type === 'android' ? 'Android' : 'Unknown platform'
