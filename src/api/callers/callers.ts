/** Nobody gets in: every route declares who may call it, and one that does not stops the start-up. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { answerError, notFound } from '../http/errors.ts'
import { Fault } from '../http/faults.ts'
import { isActing, userActedFor } from './acting-for.ts'
import type { User, VerifyJwt } from './jwt.ts'
import type { Limits } from './limits.ts'
import { SERVER_KEY } from './server-keys.ts'
import { isOnThisMachine } from './this-machine.ts'

/**
 * `sandbox`: anybody on this machine, else the operator. `server …`: another backend whose key has that scope. Where
 * users may call, a key with the scope `users` may, for the user whom it names. `supabase`: who knows the secret of its
 * webhooks.
 */
const callers = [
  'anybody',
  'user',
  'operator',
  'user or server send or operator',
  'server send or operator',
  'server read or operator',
  'sandbox',
  'operator or this machine',
  'supabase',
] as const
export type Caller = (typeof callers)[number]

declare module 'fastify' {
  interface FastifyContextConfig {
    /** One of the callers above; a string, because rooms that know nothing of this one declare theirs, too. */
    caller?: string
  }
  interface FastifyRequest {
    /** Who the bearer token names, or a key acts for; null for the operator and where anybody may call. */
    user: User | null
    isOperator: boolean
    /** The other backend that calls, by its key. */
    byServer: ServerCaller | null
    /** For answers that stay open: whether the key or session that opened them is still good. */
    isStillAdmitted(): Promise<boolean>
  }
  interface FastifyInstance {
    /** Every route there is, as it was declared. */
    declaredRoutes: { method: string; url: string; caller: Caller }[]
  }
}

export interface ServerCaller {
  id: string
  scopes: string[]
}

export interface Doorkeeper {
  verifyJwt: VerifyJwt
  operatorKey: string
  /** What Supabase shows with its webhooks; without it there are none. */
  webhookSecret?: string
  /** Whether a browser's cookie says that the operator has signed in; rejects where it must not be used. */
  hasSession: (request: FastifyRequest) => Promise<boolean>
  /** Whose key this is. */
  findServer: (key: string) => Promise<ServerCaller | undefined>
  limits: Limits
  /** Writes the user down, when they or their name are new. */
  meet(user: User): Promise<User>
}

export function guardRoutes(app: FastifyInstance, door: Doorkeeper): void {
  app.decorateRequest('user', null)
  app.decorateRequest('isOperator', false)
  app.decorateRequest('byServer', null)
  app.decorateRequest('isStillAdmitted', async () => true)
  const declared: FastifyInstance['declaredRoutes'] = []
  app.decorate('declaredRoutes', declared)
  app.addHook('onRoute', ({ method, url, config }) => {
    const caller = config?.caller
    if (!isCaller(caller)) throw new Error(`${String(method)} ${url} does not declare who may call it`)
    for (const one of [method].flat()) declared.push({ method: one, url, caller })
  })
  const isOperatorKey = keyComparer(door.operatorKey)
  // Answered here rather than thrown: mounted rooms have error handlers of their own, which do not know our faults.
  app.addHook('onRequest', async (request, reply) => {
    try {
      if (request.is404) throw notFound(request)
      await admit(request, door, isOperatorKey)
    } catch (error) {
      return answerError(await door.limits.countFailure(request, error), request, reply)
    }
  })
}

/** The user of a route that only users may call. */
export function userOf(request: FastifyRequest): User {
  if (request.user === null) throw new Error(`${request.routeOptions.url} has no user`)
  return request.user
}

async function admit(
  request: FastifyRequest,
  door: Doorkeeper,
  isOperatorKey: (key: string) => boolean,
): Promise<void> {
  const { caller } = request.routeOptions.config
  if (caller === 'anybody') return
  if ((caller === 'sandbox' || caller === 'operator or this machine') && isOnThisMachine(request)) return
  if (caller === 'supabase') return admitWebhook(request, door.webhookSecret)
  if (caller !== 'user' && request.headers.authorization === undefined && (await door.hasSession(request))) {
    request.isOperator = true
    request.isStillAdmitted = () => door.hasSession(request)
    return
  }
  const bearer = bearerOf(request)
  const isServerKey = bearer.startsWith(SERVER_KEY)
  if (!isServerKey && !LIKE_JWT.test(bearer)) await door.limits.mayGuess(request)
  if (isOperatorKey(bearer)) {
    if (caller === 'user')
      throw new Fault('forbidden', { hint: 'This is for users of the app; the operator key is none.' })
    request.isOperator = true
    return
  }
  if (isServerKey) return admitServer(request, door, bearer)
  const user = await userNamedBy(bearer, door, caller)
  if (caller === undefined || !isForUsers(caller))
    throw new Fault('forbidden', { hint: 'This is for the operator, with the operator key as bearer token.' })
  await admitUser(request, door, user)
}

/** Shaped like a JWT. Nobody guesses one of these, which are signed, nor a server key, which is random: only other bearers may be guesses. */
const LIKE_JWT = /^[\w-]+\.[\w-]+\.[\w-]*$/

const NO_JWT = 'It is no JSON Web Token.'
const OPERATOR_KEY =
  'If it is meant as the operator key: that is in OPERATOR_KEY of the server, or in the file that it names at its start.'

async function userNamedBy(bearer: string, door: Doorkeeper, caller: string | undefined): Promise<User> {
  try {
    return await door.verifyJwt(bearer)
  } catch (error) {
    const isKnown = !(error instanceof Fault) || error.code !== 'token_invalid' || LIKE_JWT.test(bearer)
    throw isKnown
      ? error
      : new Fault('token_invalid', { hint: caller === 'user' ? NO_JWT : `${NO_JWT} ${OPERATOR_KEY}` })
  }
}

/** For apps: `user …`. */
export const isForUsers = (caller: string): boolean => caller.startsWith('user')

async function admitUser(request: FastifyRequest, door: Doorkeeper, user: User): Promise<void> {
  request.user = user
  await door.limits.countUser(request)
  request.user = await door.meet(user)
}

const NO_KEY = 'This key was revoked, has expired, or is of another server; "belfry keys list" tells which there are.'

/** On a route that is for both, a key that names a user acts for them, and one that names none for itself. */
async function admitServer(request: FastifyRequest, door: Doorkeeper, key: string): Promise<void> {
  const server = await door.findServer(key)
  if (server === undefined) throw new Fault('token_invalid', { hint: NO_KEY })
  request.byServer = server
  await door.limits.countKey(request)
  const { caller = '' } = request.routeOptions.config
  const [, own] = /server (\w+)/.exec(caller) ?? []
  const acts = isForUsers(caller) && (own === undefined || isActing(request))
  const scope = acts ? 'users' : own
  if (scope === undefined || !server.scopes.includes(scope))
    throw new Fault('forbidden', {
      hint: scope === undefined ? 'This is for the operator.' : `This key lacks the scope "${scope}".`,
    })
  request.isStillAdmitted = async () => (await door.findServer(key))?.scopes.includes(scope) ?? false
  if (acts) await admitUser(request, door, userActedFor(request))
}

function admitWebhook(request: FastifyRequest, secret: string | undefined): void {
  if (secret === undefined)
    throw new Fault('not_found', { hint: 'Webhooks are off. Set SUPABASE_WEBHOOK_SECRET, and start again.' })
  const shown = request.headers['x-webhook-secret']
  if (!keyComparer(secret)(typeof shown === 'string' ? shown : bearerOf(request)))
    throw new Fault('token_invalid', { hint: 'Expected what SUPABASE_WEBHOOK_SECRET says.' })
}

function bearerOf(request: FastifyRequest): string {
  const bearer = /^Bearer +([^\s]+) *$/i.exec(request.headers.authorization ?? '')?.[1]
  if (bearer === undefined) throw new Fault('unauthenticated')
  return bearer
}

function isCaller(word: string | undefined): word is Caller {
  return (callers as readonly (string | undefined)[]).includes(word)
}

/** Compares hashes of equal length in constant time, so that the time tells nothing about the key. */
export function keyComparer(expected: string): (key: string) => boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest()
  const expectedHash = hash(expected)
  return (key) => timingSafeEqual(hash(key), expectedHash)
}
