/**
 * Sign-ins in the audit log. Whoever knocks all day must not fill it: failures are one entry a minute for each address
 * and a few an hour from everywhere; an entry says how many came before it without one.
 */

import type { Db } from '../../store/database/db.ts'
import { type AuditEntry, audit } from '../../store/operator/audit.ts'

const ONE_ADDRESS_EVERY_MS = 60_000
const HOUR_MS = 3_600_000
const MOST_FAILURES_AN_HOUR = 60

export interface SignIns {
  done(address: string): Promise<void>
  /** @param throttled it was not even looked at. Never rejects: the answer to a wrong key does not wait for a database. */
  failed(address: string, throttled: boolean): Promise<void>
}

export function auditedSignIns(db: Db, now: () => number): SignIns {
  let told: { address: string; at: number }[] = []
  let untold = 0
  return {
    done: (address) => write(db, { actor: 'operator', action: 'console.sign_in', detail: { address } }),
    async failed(address, throttled) {
      told = told.filter(({ at }) => now() - at < HOUR_MS)
      const isFresh = told.some((one) => one.address === address && now() - one.at < ONE_ADDRESS_EVERY_MS)
      if (isFresh || told.length >= MOST_FAILURES_AN_HOUR) {
        untold += 1
        return
      }
      told.push({ address, at: now() })
      const detail = { address, ...(throttled && { throttled }), ...(untold > 0 && { others_before: untold }) }
      untold = 0
      await write(db, { actor: 'anybody', action: 'console.sign_in_failed', detail }).catch(() => undefined)
    },
  }
}

async function write(db: Db, entry: Omit<AuditEntry, 'subject'>): Promise<void> {
  await audit(db, { ...entry, subject: 'console' })
}
