/**
 * Who has signed in at the console. The cookie is signed with the operator key and says until when it holds, so it
 * survives a restart, is good at every process of ours, and ends for everybody when the key is changed. Those that were
 * signed out are remembered.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { Db } from '../../store/database/db.ts'
import { endSession, hasEnded } from '../../store/operator/sessions.ts'
import { isOnThisMachine } from '../callers/this-machine.ts'
import { Fault } from '../http/faults.ts'

export interface Sessions {
  /** The Set-Cookie header of a new session, or without one. */
  open(request: FastifyRequest): string
  none(request: FastifyRequest): string
  /** From here on the cookie is good for nothing, also where somebody kept it. */
  end(request: FastifyRequest): Promise<void>
  /** False: no session. Rejects when a page of another site uses somebody's session to change something. */
  has(request: FastifyRequest): Promise<boolean>
}

/** A working day; then the key is asked for again. */
const SESSION_SECONDS = 12 * 3_600

export function openSessions(db: Db, operatorKey: string, now: () => number): Sessions {
  const sign = (text: string) => createHmac('sha256', operatorKey).update(`console ${text}`).digest('base64url')
  /** Its name; undefined: there is none, or its time is over. */
  const sessionOf = (request: FastifyRequest): string | undefined => {
    const [, until = '', seconds = '', signature = ''] =
      /^((\d{1,12})\.[\w-]{1,32})\.([\w-]{1,64})$/.exec(valueOf(request)) ?? []
    const isGood = until !== '' && isEqual(signature, sign(until)) && Number(seconds) * 1_000 >= now()
    return isGood ? until : undefined
  }
  return {
    open(request) {
      const until = `${Math.floor(now() / 1_000) + SESSION_SECONDS}.${randomBytes(12).toString('base64url')}`
      return cookie(request, `${until}.${sign(until)}`, SESSION_SECONDS)
    },
    none: (request) => cookie(request, '', 0),
    async end(request) {
      const session = sessionOf(request)
      if (session !== undefined) await endSession(db, session)
    },
    async has(request) {
      const session = sessionOf(request)
      if (session === undefined) return false
      if (request.method !== 'GET' && request.method !== 'HEAD') requireOwnPage(request)
      return !(await hasEnded(db, session))
    },
  }
}

/** Browsers send the origin of the page with everything that is not a plain read. */
export function requireOwnPage({ headers }: FastifyRequest): void {
  const origin = headers.origin ?? ''
  if (!URL.canParse(origin) || new URL(origin).host !== headers.host) throw new Fault('wrong_origin')
}

/** On this machine there is no TLS, and browsers keep `__Host-` cookies for TLS. */
function nameOf({ socket, headers }: FastifyRequest): string {
  const withoutPage = { socket, headers: { ...headers, origin: undefined } } as FastifyRequest
  return isOnThisMachine(withoutPage) ? 'belfry_session' : '__Host-belfry_session'
}

function cookie(request: FastifyRequest, value: string, seconds: number): string {
  const name = nameOf(request)
  const secure = name.startsWith('__Host-') ? ' Secure;' : ''
  return `${name}=${value}; Path=/; HttpOnly;${secure} SameSite=Strict; Max-Age=${seconds}`
}

function valueOf(request: FastifyRequest): string {
  const name = nameOf(request)
  for (const part of (request.headers.cookie ?? '').split(';')) {
    const [key = '', value = ''] = part.trim().split('=', 2)
    if (key === name) return value
  }
  return ''
}

function isEqual(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
}
