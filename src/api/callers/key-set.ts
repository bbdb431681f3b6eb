/**
 * The public keys at JWKS_URL: kept 10 minutes, asked for again at most every 30 seconds when a token names an unknown
 * one, and used up to an hour when their server is away.
 */
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type JWKSCacheInput,
  type JWTVerifyGetKey,
  jwksCache,
} from 'jose'
import { Fault } from '../http/faults.ts'

const KEEP_MS = 10 * 60_000
const COOLDOWN_MS = 30_000
const STALE_MS = 60 * 60_000
const TIMEOUT_MS = 5_000
/** After a failure, so that a flood of tokens is not a flood of requests. */
const PAUSE_AFTER_FAILURE_MS = 3_000
const MAX_BYTES = 1_000_000

export function keySetAt(url: URL, now: () => number = Date.now): JWTVerifyGetKey {
  const cache: JWKSCacheInput = {}
  const pausing = new Error('the key server failed a moment ago')
  let failedAt = Number.NEGATIVE_INFINITY
  const remote = createRemoteJWKSet(url, {
    cacheMaxAge: KEEP_MS,
    cooldownDuration: COOLDOWN_MS,
    timeoutDuration: TIMEOUT_MS,
    [jwksCache]: cache,
    [customFetch]: async (address, options) => {
      if (now() - failedAt < PAUSE_AFTER_FAILURE_MS) throw pausing
      return fetchLimited(address, options)
    },
  })
  return async (header, token) => {
    try {
      return await remote(header, token)
    } catch (error) {
      if (isAboutTheToken(error)) throw error
      if (error !== pausing) failedAt = now()
      if (cache.jwks === undefined || cache.uat === undefined || now() - cache.uat > STALE_MS)
        throw new Fault('keys_away')
      return createLocalJWKSet(cache.jwks)(header, token)
    }
  }
}

function isAboutTheToken(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  )
}

/** jose follows no redirect and sets the timeout; this also bounds what it reads. */
async function fetchLimited(url: string, options: RequestInit): Promise<Response> {
  const response = await fetch(url, options)
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > MAX_BYTES) throw new Error('the key set is larger than 1 MB')
    chunks.push(chunk)
  }
  return new Response(Buffer.concat(chunks), { status: response.status })
}
