/**
 * How many requests a minute: for each user and each key, and for each address those whose credentials are refused.
 * An address is shared by everybody behind it, so who shows good credentials is let in whatever others do there; only
 * what a person may have made up, the operator key, is not even compared any more. Counted in each process for itself.
 */
import { isIP } from 'node:net'
import rateLimit, { normalizeIP, type RateLimitOptions } from '@fastify/rate-limit'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Fault, type FaultCode } from '../http/faults.ts'

/** Requests a minute; 0: no limit. */
export interface RateLimits {
  perUser: number
  perKey: number
  perAddress: number
}

export interface Limits {
  countUser(request: FastifyRequest): Promise<void>
  countKey(request: FastifyRequest): Promise<void>
  /** Throws when too many credentials from this address have been refused lately. */
  mayGuess(request: FastifyRequest): Promise<void>
  /** @returns what to answer instead of the error when its address has had too many. */
  countFailure(request: FastifyRequest, error: unknown): Promise<unknown>
}

const WINDOW_MS = 60_000
/** About 400 bytes each at most; beyond it, who has not been seen for longest is counted from 0 again. */
const MOST_COUNTED = 10_000

/** What somebody gets who tries credentials; that a token has expired says that it was a good one. */
const failures = new Set<FaultCode>(['unauthenticated', 'token_invalid'])

export async function openLimits(app: FastifyInstance, { perUser, perKey, perAddress }: RateLimits): Promise<Limits> {
  await app.register(rateLimit, { global: false })
  const byUser = counter(app, perUser, ({ user }) => user!.id)
  const byKey = counter(app, perKey, ({ byServer }) => byServer!.id)
  const byAddress = counter(app, perAddress, addressOf)
  return {
    countUser: async (request) => refuse(await byUser(request)),
    countKey: async (request) => refuse(await byKey(request)),
    mayGuess: async (request) => refuse(await byAddress(request, { increment: false })),
    async countFailure(request, error) {
      if (!(error instanceof Fault) || !failures.has(error.code)) return error
      const waitSeconds = await byAddress(request)
      return waitSeconds === 0 ? error : new Fault('too_many_requests', { retryAfterSeconds: waitSeconds })
    },
  }
}

/** @returns the seconds to wait, 0 when there is room. */
type Count = (request: FastifyRequest, how?: { increment: boolean }) => Promise<number>

function counter(app: FastifyInstance, max: number, keyGenerator: (request: FastifyRequest) => string): Count {
  if (max === 0) return async () => 0
  const options: RateLimitOptions = { max, timeWindow: WINDOW_MS, cache: MOST_COUNTED, keyGenerator }
  const count = app.createRateLimit(options)
  return async (request, how) => {
    const counted = await count(request, how)
    if (counted.isAllowed) return 0
    // Where it is only looked at, this request would be the next one.
    const isOver = how?.increment === false ? counted.remaining === 0 && counted.ttl > 0 : counted.isExceeded
    return isOver ? Math.max(1, counted.ttlInSeconds) : 0
  }
}

function refuse(waitSeconds: number): void {
  if (waitSeconds > 0) throw new Fault('too_many_requests', { retryAfterSeconds: waitSeconds })
}

/** A home has a /64 of IPv6. A proxy that writes no address is taken for the caller, as if it were not trusted. */
export function addressOf({ ip, socket }: FastifyRequest): string {
  return normalizeIP(isIP(ip) > 0 ? ip : (socket.remoteAddress ?? ''))
}
