import type { FastifyRequest } from 'fastify'
import type { Actor } from '../../store/operator/audit.ts'

/** Who asks, as the audit log names them: a key that acts for a user is the one who did it. */
export function actorOf(request: FastifyRequest): Actor {
  if (request.byServer !== null) return `key:${request.byServer.id}`
  if (request.isOperator) return 'operator'
  return request.user === null ? 'anybody' : `user:${request.user.id}`
}
