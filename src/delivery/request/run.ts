/** Carries requests to their end: goes on after a division and after a short wait, and says what has to wait longer. */

import { all } from '../../domain/all.ts'
import type { Lane } from '../../ports.ts'
import type { Parcel } from '../plan/parcel.ts'
import { addressed } from '../plan/plan.ts'
import { INLINE_WAIT_MS } from '../turns/pace.ts'
import type { HeadStart } from '../turns/turns.ts'
import type { Send } from './sender.ts'
import type { SenderParts } from './sending.ts'

/** What is left of some requests must wait. */
export interface Hold {
  afterMs: number
  reason: string
  project: string | null
  /** How often it has failed, for the backoff of the next time. */
  tries: number
}

export type RunEnd = 'done' | 'not_begun' | 'stopped' | Hold

/** @param start of parcels that are begun already. */
export type Run = (lane: Lane, parcels: Parcel[], tries: number, start?: HeadStart) => Promise<RunEnd>

export function openRun(parts: SenderParts, send: Send): Run {
  const run: Run = async (lane, parcels, tries, start) => {
    const sent = await send(lane, parcels, tries, start)
    const project = parcels[0]?.delivery.project ?? null
    switch (sent.kind) {
      case 'done':
      case 'not_begun':
      case 'stopped':
        return sent.kind
      case 'held':
        return { afterMs: sent.afterMs, reason: sent.reason, project, tries }
      case 'divided':
        return worst(await all(sent.requests.map((request) => run(lane, request, tries))))
      case 'again': {
        if (sent.afterMs > INLINE_WAIT_MS)
          return { afterMs: sent.afterMs, reason: sent.reason, project, tries: tries + 1 }
        await parts.clock.wait(sent.afterMs, parts.stop)
        if (parts.stop.aborted) return 'stopped'
        return run(lane, await addressed(parts.db, sent.parcels), tries + 1)
      }
    }
  }
  return run
}

/** What all of them together come to: the one that needs most attention. */
export function worst(ends: RunEnd[]): RunEnd {
  const holds = ends.filter((end): end is Hold => typeof end === 'object')
  if (ends.includes('stopped')) return 'stopped'
  if (holds.length > 0) return soonest(holds)
  return ends.includes('not_begun') ? 'not_begun' : 'done'
}

/** A project waits for as long as any of its requests must; none waits for another project. */
function soonest(holds: Hold[]): Hold {
  const longest = [...Map.groupBy(holds, ({ project }) => project).values()].map((own) =>
    own.reduce((one, other) => (other.afterMs > one.afterMs ? other : one)),
  )
  const first = longest.reduce((one, other) => (other.afterMs < one.afterMs ? other : one))
  return { ...first, tries: Math.max(...holds.map(({ tries }) => tries)) }
}
