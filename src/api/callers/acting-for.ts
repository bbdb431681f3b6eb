/**
 * `Belfry-User` and `Belfry-User-Name`: for whom another backend calls. HTTP headers cannot carry every character, so
 * both are always read as percent-encoded UTF-8; what is not plain ASCII has to be encoded, and so does a `%`.
 */
import type { FastifyRequest } from 'fastify'
import { Fault } from '../http/faults.ts'
import { cleanName, isUserId, type User } from './jwt.ts'

export function isActing(request: FastifyRequest): boolean {
  return request.headers['belfry-user'] !== undefined
}

export function userActedFor(request: FastifyRequest): User {
  const id = decoded(request, 'Belfry-User')
  if (!isUserId(id)) throw new Fault('acting_for')
  return { id, name: cleanName(decoded(request, 'Belfry-User-Name')) }
}

function decoded({ raw }: FastifyRequest, name: string): string | undefined {
  const values = raw.headersDistinct[name.toLowerCase()]
  if (values === undefined) return undefined
  const [value = ''] = values
  // Two of them, one perhaps added on the way, would name one user in one program and another in the next.
  if (values.length > 1) throw new Fault('acting_for', { sentence: `The header ${name} was sent more than once` })
  if (!/^[ -~]*$/.test(value)) throw new Fault('acting_for', { sentence: `The header ${name} is not percent-encoded` })
  try {
    return decodeURIComponent(value)
  } catch {
    throw new Fault('acting_for', { sentence: `The header ${name} is not percent-encoded UTF-8` })
  }
}
