/** Who a bearer token names. The algorithms come from the settings, never from the token. */
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify, SignJWT } from 'jose'
import { Fault } from '../http/faults.ts'
import { isText, lengthOf, MAX_ID_LENGTH } from '../http/text.ts'
import { keySetAt } from './key-set.ts'

export interface User {
  id: string
  name: string | null
}

export interface JwtSettings {
  /** Exactly one of the two. */
  secret?: string
  jwksUrl?: string
  issuer?: string
  /** One of them is enough. */
  audience?: string[]
  /** The claim that says for whom the token was made; most issuers use `aud`. */
  audienceClaim?: string
  userClaim: string
  nameClaims: string[]
}

export type VerifyJwt = (token: string) => Promise<User>

/** Key sets hold public keys: a token signed with HMAC over one of them is a forgery. */
const PUBLIC_KEY_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]
const MAX_NAME_LENGTH = 200
/** Issuers sign other things with the same key, such as notices of a log-out; those say so here. */
const OUR_TYPES = new Set(['jwt', 'at+jwt'])

export function jwtVerifier(settings: JwtSettings): VerifyJwt {
  const options = {
    algorithms: settings.jwksUrl === undefined ? ['HS256'] : PUBLIC_KEY_ALGORITHMS,
    requiredClaims: ['exp'],
    ...(settings.issuer !== undefined && { issuer: settings.issuer }),
  }
  const key = keyOf(settings)
  return async (token) => {
    const { payload, protectedHeader } = await jwtVerify(token, key, options).catch((error: unknown) => {
      throw faultOf(error)
    })
    requireType(protectedHeader.typ)
    requireAudience(payload, settings)
    return { id: userIdOf(payload, settings.userClaim), name: nameOf(payload, settings.nameClaims) }
  }
}

/** A token for trying things, as the settings would accept it. */
export async function mintJwt(settings: JwtSettings, user: User, ttlSeconds: number): Promise<string> {
  if (settings.secret === undefined) throw new Error('tokens cannot be made without a secret')
  const claims: JWTPayload = {}
  put(claims, settings.userClaim, user.id)
  if (user.name !== null) put(claims, settings.nameClaims[0] ?? 'name', user.name)
  const [audience] = settings.audience ?? []
  if (audience !== undefined) put(claims, settings.audienceClaim ?? 'aud', audience)
  const jwt = new SignJWT(claims).setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).setIssuedAt()
  jwt.setExpirationTime(Math.floor(Date.now() / 1000) + ttlSeconds)
  if (settings.issuer !== undefined) jwt.setIssuer(settings.issuer)
  return jwt.sign(new TextEncoder().encode(settings.secret))
}

function keyOf({ secret, jwksUrl }: JwtSettings): JWTVerifyGetKey {
  if (jwksUrl !== undefined) return keySetAt(new URL(jwksUrl))
  if (secret === undefined) throw new Error('neither a secret nor a key set to check tokens with')
  const key = new TextEncoder().encode(secret)
  return async () => key
}

function faultOf(error: unknown): Fault {
  if (error instanceof Fault) return error
  if (error instanceof errors.JWTExpired) return new Fault('token_expired')
  if (error instanceof errors.JWTClaimValidationFailed)
    return new Fault('token_invalid', { hint: `Its claim "${error.claim}" is missing or not as expected.` })
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return new Fault('token_invalid', {
      hint: 'It was signed with another secret or key than this server checks with.',
    })
  return new Fault('token_invalid')
}

function requireType(typ: unknown): void {
  if (typ === undefined) return
  if (typeof typ === 'string' && OUR_TYPES.has(typ.toLowerCase().replace(/^application\//, ''))) return
  throw new Fault('token_invalid', { hint: 'Its header says that it is no token for calling an API.' })
}

function requireAudience(payload: JWTPayload, { audience, audienceClaim = 'aud' }: JwtSettings): void {
  if (audience === undefined) return
  const named = [at(payload, audienceClaim)].flat()
  if (named.some((one) => typeof one === 'string' && audience.includes(one))) return
  throw new Fault('token_invalid', { hint: `Its claim "${audienceClaim}" is missing or not as expected.` })
}

function userIdOf(payload: JWTPayload, claim: string): string {
  const id = at(payload, claim)
  if (isUserId(id)) return id
  throw new Fault('token_invalid', {
    hint: `Its claim "${claim}" must be a string of 1 to ${MAX_ID_LENGTH} characters.`,
  })
}

function nameOf(payload: JWTPayload, claims: string[]): string | null {
  for (const claim of claims) {
    const name = cleanName(at(payload, claim))
    if (name !== null) return name
  }
  return null
}

export function isUserId(id: unknown): id is string {
  return typeof id === 'string' && id !== '' && lengthOf(id) <= MAX_ID_LENGTH && isText(id)
}

/** A name as it is kept; null: it is none. */
export function cleanName(name: unknown): string | null {
  if (typeof name !== 'string' || name.trim() === '' || !isText(name)) return null
  return Array.from(name.trim()).slice(0, MAX_NAME_LENGTH).join('')
}

/** A claim of that very name, or the one that the dots lead to. */
function at(payload: JWTPayload, path: string): unknown {
  if (Object.hasOwn(payload, path)) return payload[path]
  let value: unknown = payload
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = (value as Record<string, unknown>)[name]
  }
  return value
}

function put(claims: JWTPayload, path: string, value: string): void {
  const names = path.split('.')
  const last = names.pop() as string
  let level: Record<string, unknown> = claims
  for (const name of names) level = (level[name] ??= {}) as Record<string, unknown>
  level[last] = value
}
