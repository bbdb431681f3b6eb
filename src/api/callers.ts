/** Nobody gets in: every route declares who may call it, and one that does not stops the start-up. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { answerError, notFound } from './errors.ts'
import { Fault } from './faults.ts'
import type { User, VerifyJwt } from './jwt.ts'
import { isOnThisMachine } from './this-machine.ts'

/** `sandbox`: anybody on this machine, else the operator. `server …`: another backend whose key has that scope. */
const callers = [
  'anybody',
  'user',
  'operator',
  'user or operator',
  'server send or operator',
  'server read or operator',
  'sandbox',
] as const
export type Caller = (typeof callers)[number]

declare module 'fastify' {
  interface FastifyContextConfig {
    /** One of the callers above; a string, because rooms that know nothing of this one declare theirs, too. */
    caller?: string
  }
  interface FastifyRequest {
    /** Who the bearer token names; null for the operator and where anybody may call. */
    user: User | null
    isOperator: boolean
    /** The other backend that calls, by its key. */
    byServer: ServerCaller | null
  }
}

export interface ServerCaller {
  id: string
  scopes: string[]
}

export interface Doorkeeper {
  verifyJwt: VerifyJwt
  operatorKey: string
  /** Whether a browser's cookie says that the operator has signed in; throws where it must not be used. */
  hasSession: (request: FastifyRequest) => boolean
  /** Whose key this is; without it no backend has one. */
  findServer?: (key: string) => Promise<ServerCaller | undefined>
  /** Writes the user down, when they or their name are new. */
  meet(user: User): Promise<void>
}

export function guardRoutes(app: FastifyInstance, door: Doorkeeper): void {
  app.decorateRequest('user', null)
  app.decorateRequest('isOperator', false)
  app.decorateRequest('byServer', null)
  app.addHook('onRoute', (route) => {
    if (!isCaller(route.config?.caller))
      throw new Error(`${String(route.method)} ${route.url} does not declare who may call it`)
  })
  const isOperatorKey = keyComparer(door.operatorKey)
  // Answered here rather than thrown: mounted rooms have error handlers of their own, which do not know our faults.
  app.addHook('onRequest', async (request, reply) => {
    try {
      if (request.is404) throw notFound(request)
      await admit(request, door, isOperatorKey)
    } catch (error) {
      return answerError(error, request, reply)
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
  if (caller === 'sandbox' && isOnThisMachine(request)) return
  if (caller !== 'user' && request.headers.authorization === undefined && door.hasSession(request)) {
    request.isOperator = true
    return
  }
  const bearer = bearerOf(request)
  if (isOperatorKey(bearer)) {
    if (caller === 'user')
      throw new Fault('forbidden', { hint: 'This is for users of the app; the operator key is none.' })
    request.isOperator = true
    return
  }
  if (bearer.startsWith(SERVER_KEY)) return admitServer(request, door, bearer)
  const user = await door.verifyJwt(bearer)
  if (caller !== 'user' && caller !== 'user or operator')
    throw new Fault('forbidden', { hint: 'This is for the operator, with the operator key as bearer token.' })
  await door.meet(user)
  request.user = user
}

const SERVER_KEY = 'blf_'

async function admitServer(request: FastifyRequest, door: Doorkeeper, key: string): Promise<void> {
  const server = await door.findServer?.(key)
  if (server === undefined) throw new Fault('token_invalid')
  const [, scope] = /^server (\w+)/.exec(request.routeOptions.config.caller ?? '') ?? []
  if (scope === undefined || !server.scopes.includes(scope))
    throw new Fault('forbidden', { hint: scope === undefined ? '' : `This key lacks the scope "${scope}".` })
  request.byServer = server
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
function keyComparer(expected: string): (key: string) => boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest()
  const expectedHash = hash(expected)
  return (key) => timingSafeEqual(hash(key), expectedHash)
}
