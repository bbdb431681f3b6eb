/** Why the server is degraded: it works, but somebody should look. The reasons are for anybody, and name no project and no person. */

import { findOpenBreakers } from '../store/ledger/pace.ts'
import type { Database } from '../store/open.ts'
import { laneLags, openAlarmCounts } from '../store/views/vitals.ts'

export interface Reason {
  code:
    | 'breaker_open'
    | 'flood_held'
    | 'credentials'
    | 'direct_late'
    | 'broadcasts_late'
    | 'pushes_off'
    | 'sandbox_open'
    | 'test_push_open'
  sentence: string
}

/** Somebody waits for a direct notification; a broadcast that has not moved for so long is stuck. */
const DIRECT_LATE_SECONDS = 60
const BROADCASTS_LATE_SECONDS = 300
/** Load balancers ask often, and many of them. */
const FRESH_MS = 2_000

/** @returns what is wrong just now; rejects when the database does not answer. */
export function openVitals(database: Database): () => Promise<Reason[]> {
  let seen: { at: number; reasons: Promise<Reason[]> } | undefined
  return () => {
    const now = performance.now()
    if (seen === undefined || now - seen.at > FRESH_MS) {
      const reasons = look(database)
      seen = { at: now, reasons }
      reasons.catch(() => (seen = undefined))
    }
    return seen.reasons
  }
}

async function look({ db }: Database): Promise<Reason[]> {
  const breakers = await findOpenBreakers(db)
  const alarms = await openAlarmCounts(db)
  const lags = await laneLags(db)
  const open = (kind: string) => alarms.some((alarm) => alarm.kind === kind && alarm.count > 0)
  const wrong: [boolean, Reason['code'], string][] = [
    [breakers.some((one) => one.isTried), 'breaker_open', 'Sending is paused: Expo fails, or refuses the access token'],
    [open('flood'), 'flood_held', 'A flood of dead push tokens is held, and waits for the operator'],
    [open('credentials'), 'credentials', "An app's push credentials are refused, and its devices are suspended"],
    [lags.direct > DIRECT_LATE_SECONDS, 'direct_late', `Direct notifications wait for ${Math.round(lags.direct)} s`],
    [
      lags.broadcast > BROADCASTS_LATE_SECONDS,
      'broadcasts_late',
      `A broadcast has not moved for ${Math.round(lags.broadcast)} s`,
    ],
  ]
  return wrong.filter(([is]) => is).map(([, code, sentence]) => ({ code, sentence }))
}
