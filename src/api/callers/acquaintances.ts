/** Remembers for a minute which users it has written down, and by what name: a call by one of them asks the database nothing. */
import type { Db } from '../../store/database/db.ts'
import { ensureUser } from '../../store/people/users.ts'
import type { User } from './jwt.ts'

/** About 2 MB; beyond it the one met longest ago is forgotten, and written again at their next call. */
const MAX_KNOWN = 10_000
/** Users can be erased, and told another name elsewhere: whoever is met later than this is looked up again. */
const KNOWN_FOR_MS = 60_000
/** A user without a name may get one at any moment, by a webhook or at another process. */
const NAMELESS_FOR_MS = 5_000

export interface Acquaintances {
  /** @returns them with the name in their token, or the one that an earlier token told. */
  meet: (user: User) => Promise<User>
  forget: (userId: string) => void
}

export function acquaintances(db: Db, now: () => number): Acquaintances {
  const known = new Map<string, { name: string | null; at: number }>()
  return {
    forget: (userId) => void known.delete(userId),
    meet: async ({ id, name }) => {
      const last = known.get(id)
      const lasts = last?.name === null ? NAMELESS_FOR_MS : KNOWN_FOR_MS
      if (last !== undefined && (name === null || last.name === name) && now() - last.at < lasts)
        return { id, name: last.name }
      const nameNow = await ensureUser(db, { id, name })
      known.delete(id)
      known.set(id, { name: nameNow, at: now() })
      const [oldest] = known.keys()
      if (known.size > MAX_KNOWN && oldest !== undefined) known.delete(oldest)
      return { id, name: nameNow }
    },
  }
}
