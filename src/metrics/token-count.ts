/**
 * How many push tokens there are, by platform and state. Counting millions takes long, so it is done beside the
 * scrapes, a stretch of ids at a time, rarely; a scrape gets the last whole count.
 */

import { setTimeout as wait } from 'node:timers/promises'
import { Gauge, type Registry } from 'prom-client'
import type { Db } from '../store/database/db.ts'
import { countTokens, lastTokenId, type TokenCount } from '../store/views/vitals.ts'

/** On the embedded database a longer statement would keep everybody waiting. */
const IDS_AT_ONCE = 50_000
const REST_MS = 60_000
const platforms = ['ios', 'android', 'unknown']
const states = ['active', 'suspended', 'retired', 'logged_out', 'superseded']
/** At most this share of the time is spent counting. */
const SHARE = 0.02

export function openTokenCount(registry: Registry, db: Db): { countSoon(): void } {
  const tokens = new Gauge({
    name: 'belfry_push_tokens',
    help: 'Push tokens at the last count, which is made at most once a minute.',
    labelNames: ['platform', 'state'],
    registers: [registry],
  })
  let isCounting = false
  let restUntil = Number.NEGATIVE_INFINITY

  async function count(): Promise<void> {
    const { counts, busyMs } = await countAll(db)
    tokens.reset()
    for (const platform of platforms) for (const state of states) tokens.set({ platform, state }, 0)
    for (const { platform, state, count: n } of counts) tokens.inc({ platform, state }, n)
    restUntil = performance.now() + Math.max(REST_MS, busyMs / SHARE)
  }
  return {
    countSoon() {
      if (isCounting || performance.now() < restUntil) return
      isCounting = true
      void count()
        .catch(() => undefined)
        .finally(() => (isCounting = false))
    },
  }
}

async function countAll(db: Db): Promise<{ counts: TokenCount[]; busyMs: number }> {
  const counts: TokenCount[] = []
  const last = await lastTokenId(db)
  let busyMs = 0
  for (let from = 0; from < last; from += IDS_AT_ONCE) {
    const started = performance.now()
    counts.push(...(await countTokens(db, from, Math.min(from + IDS_AT_ONCE, last))))
    const took = performance.now() - started
    busyMs += took
    // As much rest as work: who else needs the database comes in between.
    if (from + IDS_AT_ONCE < last) await wait(took, undefined, { ref: false })
  }
  return { counts, busyMs }
}
