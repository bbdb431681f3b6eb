/** A bar that only ever moves forward, and ends exactly where the ledger ends. */
import { useRef } from 'preact/hooks'
import { count, percent } from '../format.ts'
import type { State, Totals } from '../types.ts'

export interface Share {
  name: string
  label: string
  value: number
}

/** What the bar is made of, from the left. Together with what is pending they are the whole. */
function sharesOf(totals: Totals): Share[] {
  return [
    { name: 'handed', label: 'handed over', value: totals.handed_over },
    { name: 'accepted', label: 'accepted', value: totals.awaiting_receipt + totals.no_receipt },
    { name: 'refused', label: 'refused', value: totals.refused + totals.failed },
    { name: 'unknown', label: 'unknown', value: totals.unknown },
    {
      name: 'skipped',
      label: 'not sent',
      value: totals.skipped + totals.expired + totals.cancelled + totals.not_reached,
    },
  ]
}

export const hasEnded = (state: State) => state === 'finished' || state === 'cancelled' || state === 'expired'

/** Devices whose turn came, whatever came of it. */
export function reachedOf({ targeted, pending, cancelled, expired }: Totals): number {
  return targeted - pending - cancelled - expired
}

export function wholeOf(totals: Totals, estimated: number | null, isOver: boolean): number {
  return isOver ? totals.targeted + totals.not_reached : Math.max(totals.targeted, estimated ?? 0)
}

export function ProgressBar({
  id,
  totals,
  estimated,
  isOver,
  thin,
}: {
  id: string
  totals: Totals
  estimated: number | null
  isOver: boolean
  thin?: boolean
}) {
  const whole = Math.max(1, wholeOf(totals, estimated, isOver))
  const shares = sharesOf(totals)
  const done = shares.reduce((sum, share) => sum + share.value, 0)
  const furthest = useRef({ id, share: 0 })
  if (furthest.current.id !== id) furthest.current = { id, share: 0 }
  const now = Math.min(1, done / whole)
  // The audience may turn out larger than estimated; the bar waits then, instead of going back.
  const shown = isOver ? now : Math.max(furthest.current.share, now)
  furthest.current.share = shown
  const stretch = done === 0 ? 0 : (shown / done) * 100
  // Whom it never came to stands in the bar, and is no progress.
  const far = isOver ? reachedOf(totals) / whole : shown
  const words = shares.filter((share) => share.value > 0).map((share) => `${count(share.value)} ${share.label}`)
  return (
    <div
      class={`progress${thin ? ' thin' : ''}`}
      role="progressbar"
      aria-label={thin ? 'Progress' : `Progress: ${words.join(', ') || 'nothing yet'}`}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.floor(far * 100)}
      aria-valuetext={percent(Math.round(far * whole), whole)}
      data-done={done}
      data-whole={whole}
    >
      {shares.map((share) => (
        <i key={share.name} class={share.name} style={{ width: `${share.value * stretch}%` }} />
      ))}
    </div>
  )
}
