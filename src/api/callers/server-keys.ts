/**
 * Keys of other backends, as they come in: 256 random bits, of which the database has only a hash. Who was found is
 * remembered for two seconds, so a key that is revoked is dead at every process that much later, whatever the load.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Hashed, KnownServerKey } from '../../store/operator/server-keys.ts'

export const SERVER_KEY = 'blf_'
const SECRET_BYTES = 32
const SHAPE = /^blf_[\w-]{43}$/
const PREFIX_LENGTH = 8

export function newSecret(): string {
  return SERVER_KEY + randomBytes(SECRET_BYTES).toString('base64url')
}

export function hashed(secret: string): Hashed {
  return { hash: createHash('sha256').update(secret).digest(), prefix: secret.slice(0, PREFIX_LENGTH) }
}

/** Counted from the moment that the question was asked: an answer that took long is old when it comes. */
const REMEMBER_MS = 2_000
/** Keys that are used by one process within two seconds; guesses are never remembered. */
const MOST_REMEMBERED = 1_000

interface Look {
  askedAt: number
  answer: Promise<KnownServerKey | undefined>
}

/** @param find asks the database. @returns answers whose key it is, asking once for many requests at a time. */
export function serverKeyFinder(
  find: (hash: Buffer) => Promise<KnownServerKey | undefined>,
  now: () => number = () => performance.now(),
): (key: string) => Promise<KnownServerKey | undefined> {
  const looks = new Map<string, Look>()

  function look(name: string, hash: Buffer): Look {
    const started: Look = { askedAt: now(), answer: find(hash) }
    looks.delete(name)
    looks.set(name, started)
    const forget = () => void (looks.get(name) === started && looks.delete(name))
    started.answer.then((found) => (found === undefined ? forget() : forgetOldest(looks)), forget)
    return started
  }

  return async (key) => {
    if (!SHAPE.test(key)) return undefined
    const { hash } = hashed(key)
    const name = hash.toString('base64')
    const last = looks.get(name)
    const isFresh = last !== undefined && now() - last.askedAt < REMEMBER_MS
    const found = await (isFresh ? last : look(name, hash)).answer
    return found !== undefined && timingSafeEqual(found.hash, hash) ? found : undefined
  }
}

function forgetOldest(looks: Map<string, Look>): void {
  for (const [name] of looks) {
    if (looks.size <= MOST_REMEMBERED) return
    looks.delete(name)
  }
}
