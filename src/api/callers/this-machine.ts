/**
 * Whether a request comes from a person or program on this machine. A proxy here would make everybody look so, and a
 * web page of a stranger can make a browser here ask: neither counts.
 */
import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'

export function isOnThisMachine(request: FastifyRequest): boolean {
  const { remoteAddress, localAddress } = request.socket
  const isNear = isLoopback(remoteAddress) || (remoteAddress !== undefined && remoteAddress === localAddress)
  return isNear && !isForwarded(request) && namesThisMachine(request, localAddress) && isOwnPage(request)
}

/** An address, not a name that looks like one: 127.0.0.1.example.com is whose that domain is. */
function isLoopback(address = ''): boolean {
  return isIP(address) > 0 && /^(::1$|(::ffff:)?127\.)/.test(address)
}

function isForwarded({ headers }: FastifyRequest): boolean {
  return ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip'].some(
    (name) => headers[name] !== undefined,
  )
}

/** A stranger's host name may be made to point here; then the Host header still says theirs. */
function namesThisMachine({ headers }: FastifyRequest, localAddress = ''): boolean {
  const name = (headers.host ?? '')
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase()
  return name === 'localhost' || isLoopback(name) || name === localAddress.replace(/^::ffff:/, '')
}

/** Browsers say which page asks; other programs say nothing. */
function isOwnPage({ headers }: FastifyRequest): boolean {
  return headers.origin === undefined || headers.origin === `http://${headers.host}`
}
