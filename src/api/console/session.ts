/**
 * Who has signed in at the console. The cookie is signed with the operator key and says until when it holds, so it
 * survives a restart, is good at every process of ours, and ends for everybody when the key is changed.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { isOnThisMachine } from '../callers/this-machine.ts'
import { Fault } from '../http/faults.ts'

export interface Sessions {
  /** The Set-Cookie header of a new session, or of its end. */
  open(request: FastifyRequest): string
  close(request: FastifyRequest): string
  /** False: no session. Throws when a page of another site uses somebody's session to change something. */
  has(request: FastifyRequest): boolean
}

/** A working day; then the key is asked for again. */
const SESSION_SECONDS = 12 * 3_600

export function openSessions(operatorKey: string, now: () => number): Sessions {
  const sign = (text: string) => createHmac('sha256', operatorKey).update(`console ${text}`).digest('base64url')
  return {
    open(request) {
      const until = `${Math.floor(now() / 1_000) + SESSION_SECONDS}.${randomBytes(12).toString('base64url')}`
      return cookie(request, `${until}.${sign(until)}`, SESSION_SECONDS)
    },
    close: (request) => cookie(request, '', 0),
    has(request) {
      const value = valueOf(request)
      const [, until = '', seconds = '', signature = ''] =
        /^((\d{1,12})\.[\w-]{1,32})\.([\w-]{1,64})$/.exec(value) ?? []
      if (until === '' || !isEqual(signature, sign(until)) || Number(seconds) * 1_000 < now()) return false
      if (request.method !== 'GET' && request.method !== 'HEAD') requireOwnPage(request)
      return true
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
