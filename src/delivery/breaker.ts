/**
 * Stops sending to a project while Expo is down or refuses the access token. It opens on half of at least twenty
 * answers in a minute having failed, or at once on 401 and 403; half open is one request among all processes.
 */
import type { Clock, Emit } from '../ports.ts'
import type { Db } from '../store/db.ts'
import { claimProbe, closeBreaker, findOpenBreakers, type OpenBreaker, openBreaker } from '../store/pace.ts'

export type Admission = { kind: 'go' } | { kind: 'wait'; ms: number; reason: string }

export interface Breaker {
  /** Whether it is worth beginning; claims nothing. */
  look(project: string | null): Promise<Admission>
  /** Right before the call: half open, only one asker among all processes may go, and its answer decides. */
  admit(project: string | null): Promise<Admission>
  /** What Expo's answer says about Expo, not about the request. */
  answered(project: string | null, answer: 'well' | 'failed' | { unauthorized: string }): Promise<void>
}

const WINDOW_MS = 60_000
const LEAST_ANSWERS = 20
const OPEN_MS = 2_000
const LONGEST_OPEN_MS = 60_000
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
  let view = new Map<string, OpenBreaker>()
  let viewedAt = Number.NEGATIVE_INFINITY

  /** As it stands now; undefined: closed. */
  async function find(project: string | null): Promise<OpenBreaker | undefined> {
    if (clock.monotonic() - viewedAt >= VIEW_MS) {
      viewedAt = clock.monotonic()
      view = new Map((await findOpenBreakers(db)).map((one) => [one.project, one]))
    }
    const breaker = view.get(project ?? '')
    return breaker && { ...breaker, remainingMs: breaker.remainingMs - (clock.monotonic() - viewedAt) }
  }

  async function open(key: string, reason: string, forMs: number): Promise<void> {
    recent.delete(key)
    probing.delete(key)
    const ms = await openBreaker(db, key, reason, forMs, Math.max(forMs, LONGEST_OPEN_MS))
    view.set(key, { project: key, reason, remainingMs: ms })
    viewedAt = clock.monotonic()
    emit('breaker.opened', { project: key || null, reason, forMs: Math.round(ms) })
  }

  return {
    async look(project) {
      const breaker = await find(project)
      return breaker && breaker.remainingMs > 0 ? waitFor(breaker) : { kind: 'go' }
    },
    async admit(project) {
      const breaker = await find(project)
      if (!breaker) return { kind: 'go' }
      if (breaker.remainingMs > 0 || !(await claimProbe(db, breaker.project, probeMs))) return waitFor(breaker)
      probing.add(breaker.project)
      return { kind: 'go' }
    },
    async answered(project, answer) {
      const key = project ?? ''
      if (typeof answer === 'object') return open(key, answer.unauthorized, UNAUTHORIZED_OPEN_MS)
      const breaker = view.get(key)
      if (breaker && answer === 'failed') {
        // Requests that were under way when it opened fail too; only the probe's failure says anything new.
        if (probing.has(key)) await open(key, breaker.reason, OPEN_MS)
        return
      }
      if (breaker) {
        view.delete(key)
        recent.delete(key)
        probing.delete(key)
        await closeBreaker(db, key)
        return emit('breaker.closed', { project })
      }
      const window = recent.get(key) ?? newWindow()
      recent.set(key, window)
      const { total, failed } = window.add(clock.monotonic(), answer === 'failed')
      if (total >= LEAST_ANSWERS && failed * 2 >= total) {
        await open(key, `${failed} of the last ${total} requests to Expo failed`, OPEN_MS)
      }
    },
  }
}

function waitFor({ remainingMs, reason }: OpenBreaker): Admission {
  return { kind: 'wait', ms: Math.max(remainingMs, VIEW_MS) * (1 + Math.random() * SPREAD), reason }
}

interface Window {
  /** @returns what the last minute holds, this answer included. */
  add(now: number, failed: boolean): { total: number; failed: number }
}

/** Counts by the second: its size does not depend on how much is sent. */
function newWindow(): Window {
  const seconds: { second: number; total: number; failed: number }[] = []
  return {
    add(now, failed) {
      const second = Math.floor(now / 1_000)
      let last = seconds.at(-1)
      if (last?.second !== second) seconds.push((last = { second, total: 0, failed: 0 }))
      last.total += 1
      if (failed) last.failed += 1
      while ((seconds[0]?.second ?? second) <= second - WINDOW_MS / 1_000) seconds.shift()
      return seconds.reduce((sum, one) => ({ total: sum.total + one.total, failed: sum.failed + one.failed }), {
        total: 0,
        failed: 0,
      })
    },
  }
}
