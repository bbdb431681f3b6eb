/**
 * Stops sending to a project while Expo is down or refuses the access token. It opens on half of at least twenty
 * answers in a minute having failed, or at once on 401 and 403; half open is one request among all processes.
 */
import type { Clock, Emit } from '../../ports.ts'
import type { Db } from '../../store/database/db.ts'
import { claimProbe, closeBreaker, findOpenBreakers, openBreaker } from '../../store/ledger/pace.ts'
import { type Answers, newWindow, type Window } from './breaker-window.ts'

export type Admission = { kind: 'go' } | { kind: 'wait'; ms: number; reason: string }

export interface Breaker {
  /** Whether it is worth beginning, as far as is known without waiting; claims nothing. */
  look(project: string | null): Admission
  /** Whether it is open or half open, as far as is known without waiting. */
  isOpen(project: string): boolean
  /** Whether it is open, or has heard too little to open: of the last minute's answers, however few, half failed. */
  seemsDown(project: string | null): boolean
  /** Right before the call: half open, only one asker among all processes may go, and its answer decides. */
  admit(project: string | null): Promise<Admission>
  /** What Expo's answer says about Expo, not about the request. */
  answered(project: string | null, answer: 'well' | 'failed' | { unauthorized: string }): Promise<void>
}

const LEAST_ANSWERS = 20
const OPEN_MS = 2_000
/** A probe costs one request; what waits comes back this soon after Expo does. */
const LONGEST_OPEN_MS = 10_000
/** Nobody fixes an access token within seconds. */
const UNAUTHORIZED_OPEN_MS = 15_000
/** How stale the view of what other processes opened may be. */
const VIEW_MS = 1_000
/** Waiters come back spread over this share of the time. */
const SPREAD = 0.25

/** @param probeMs how long one probe may take before another may try. */
export function openBreakers(db: Db, clock: Clock, emit: Emit, probeMs: number): Breaker {
  const recent = new Map<string, Window>()
  const probing = new Set<string>()
  const view = openView(db, clock)

  async function open(key: string, reason: string, forMs: number): Promise<void> {
    recent.delete(key)
    probing.delete(key)
    const ms = await openBreaker(db, key, reason, forMs, Math.max(forMs, LONGEST_OPEN_MS))
    view.set(key, reason, ms)
    emit('breaker.opened', { project: key || null, reason, forMs: Math.round(ms) })
  }

  async function close(key: string): Promise<void> {
    recent.delete(key)
    probing.delete(key)
    view.delete(key)
    await closeBreaker(db, key)
    emit('breaker.closed', { project: key || null })
  }

  const isOpen = (project: string) => view.last(project) !== undefined
  return {
    look(project) {
      const breaker = view.last(project ?? '')
      return breaker && breaker.remainingMs > 0 ? waitFor(breaker) : { kind: 'go' }
    },
    isOpen,
    seemsDown(project) {
      const heard = recent.get(project ?? '')?.sum()
      return isOpen(project ?? '') || (heard !== undefined && areFailing(heard))
    },
    async admit(project) {
      const key = project ?? ''
      const breaker = await view.find(key)
      if (!breaker) return { kind: 'go' }
      if (breaker.remainingMs > 0 || !(await claimProbe(db, key, probeMs))) return waitFor(breaker)
      probing.add(key)
      return { kind: 'go' }
    },
    async answered(project, answer) {
      const key = project ?? ''
      if (typeof answer === 'object') return open(key, answer.unauthorized, UNAUTHORIZED_OPEN_MS)
      const breaker = await view.find(key)
      if (breaker && answer === 'well') return close(key)
      // Requests that were under way when it opened fail too; only the probe's failure says anything new.
      if (breaker) return probing.has(key) ? open(key, breaker.reason, OPEN_MS) : undefined
      const window = recent.get(key) ?? newWindow()
      recent.set(key, window)
      window.add(clock.monotonic(), answer === 'failed')
      const heard = window.sum()
      if (heard.total < LEAST_ANSWERS || !areFailing(heard)) return
      await open(key, `${heard.failed} of the last ${heard.total} requests to Expo failed`, OPEN_MS)
    },
  }
}

const areFailing = ({ total, failed }: Answers) => failed * 2 >= total

interface Seen {
  reason: string
  remainingMs: number
}

/** What this process knows of all open breakers; what others have opened it learns within a second. */
function openView(db: Db, clock: Clock) {
  let seen = new Map<string, { reason: string; until: number }>()
  let lookedAt = Number.NEGATIVE_INFINITY
  let looking: Promise<void> = Promise.resolve()
  let hasLooked = false
  const entry = (reason: string, ms: number) => ({ reason, until: clock.monotonic() + ms })

  async function lookNow(): Promise<void> {
    const all = await findOpenBreakers(db)
    seen = new Map(all.map((one) => [one.project, entry(one.reason, one.remainingMs)]))
    hasLooked = true
  }

  /** Asks the database when it is time to. */
  function look(): Promise<void> {
    if (clock.monotonic() - lookedAt < VIEW_MS) return looking
    lookedAt = clock.monotonic()
    looking = lookNow()
    looking.catch(() => (lookedAt = Number.NEGATIVE_INFINITY))
    return looking
  }

  function last(key: string): Seen | undefined {
    void look().catch(() => undefined)
    const found = seen.get(key)
    return found && { reason: found.reason, remainingMs: found.until - clock.monotonic() }
  }

  return {
    last,
    /** Waits for the first look only: between its place in the pace and its departure, a request must not stand still. */
    async find(key: string): Promise<Seen | undefined> {
      if (!hasLooked) await look()
      return last(key)
    },
    set: (key: string, reason: string, ms: number) => seen.set(key, entry(reason, ms)),
    delete: (key: string) => seen.delete(key),
  }
}

/** While somebody tries, it is open for as long as that may take; most are answered sooner. */
function waitFor({ remainingMs, reason }: Seen): Admission {
  const ms = Math.min(Math.max(remainingMs, VIEW_MS), LONGEST_OPEN_MS)
  return { kind: 'wait', ms: ms * (1 + Math.random() * SPREAD), reason }
}
