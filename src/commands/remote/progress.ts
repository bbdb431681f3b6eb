/** A notification on its way, as a bar; on anything but a terminal, as nothing. */
import { setTimeout as wait } from 'node:timers/promises'
import { Presets, SingleBar } from 'cli-progress'
import { count, type Server, ServerAway } from './remote.ts'

export interface Followed {
  state: string
  scheduled: boolean
  skip_reason: string | null
  postponed: string | null
  estimated: number | null
  rate: number
  eta_seconds: number | null
  final: boolean
  totals: Record<
    | 'targeted'
    | 'pending'
    | 'accepted'
    | 'handed_over'
    | 'awaiting_receipt'
    | 'refused'
    | 'failed'
    | 'skipped'
    | 'expired'
    | 'cancelled'
    | 'unknown'
    | 'not_reached',
    number
  >
}

const LOOK_EVERY_MS = 500

export function openBar(format: string): SingleBar {
  const bar = new SingleBar(
    { format, hideCursor: true, clearOnComplete: false, stream: process.stderr, noTTYOutput: false },
    Presets.shades_classic,
  )
  // Whoever stops the command has their cursor back, and lines that wrap.
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      bar.stop()
      process.kill(process.pid, signal)
    })
  return bar
}

/** Resolves when nothing is left to send; a server that is away for a while is waited for. */
export async function follow(server: Server, id: string, quiet: boolean): Promise<Followed> {
  const bar = openBar('  {bar} {percentage} %  {done} of {whole}  {rate}')
  let started = false
  for (;;) {
    const now = await look(server, id)
    if (now !== undefined) {
      const isOver = ['finished', 'cancelled', 'expired'].includes(now.state)
      const done = now.totals.targeted - now.totals.pending
      const whole = isOver ? now.totals.targeted : Math.max(now.totals.targeted, now.estimated ?? 0)
      const shown = { done: count(done), whole: count(whole), rate: paceOf(now) }
      if (!quiet && !started) bar.start(Math.max(whole, 1), done, shown)
      started ||= !quiet
      if (started) {
        bar.setTotal(Math.max(whole, 1))
        bar.update(isOver && whole === 0 ? 1 : done, shown)
      }
      if (isOver && now.totals.pending === 0) {
        if (started) bar.stop()
        return now
      }
    }
    await wait(LOOK_EVERY_MS)
  }
}

async function look(server: Server, id: string): Promise<Followed | undefined> {
  try {
    return (await server.call<{ notification: Followed }>('GET', `/api/notifications/${id}`)).notification
  } catch (error) {
    if (error instanceof ServerAway) return undefined
    throw error
  }
}

function paceOf(now: Followed): string {
  if (now.state === 'paused') return 'paused'
  if (now.postponed !== null) return `waits: ${now.postponed}`
  if (now.rate === 0) return ''
  return `${count(now.rate)} a second${now.eta_seconds === null ? '' : `, ${now.eta_seconds} s left`}`
}

/** The end in one line. */
export function endOf({ state, skip_reason, totals }: Followed): string {
  if (skip_reason === 'no_push_token') return 'Nobody was reached: they have no push token.'
  if (skip_reason === 'disabled') return 'Nothing was sent: push notifications are switched off.'
  const parts = (['accepted', 'refused', 'skipped', 'expired', 'cancelled', 'unknown', 'not_reached'] as const)
    .filter((name) => totals[name] > 0 || name === 'accepted')
    .map((name) => `${count(totals[name])} ${name.replace('_', ' ')}`)
  return `${state.charAt(0).toUpperCase() + state.slice(1)}: ${parts.join(', ')}.`
}

/** 0: everybody that was targeted is with Expo. 3: some are not. 4: it was cancelled, or its time ended. */
export function exitCodeOf({ state, skip_reason, totals }: Followed): number {
  if (state === 'cancelled' || state === 'expired') return 4
  return skip_reason !== null || totals.refused + totals.unknown + totals.expired > 0 ? 3 : 0
}
