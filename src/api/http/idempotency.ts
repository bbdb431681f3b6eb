/** `Idempotency-Key` on the routes that create something: sent twice, it is done once and answered twice. */
import { createHash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { failpoint } from '../../domain/failpoint.ts'
import type { Db } from '../../store/database/db.ts'
import { once } from '../../store/notifications/idempotency.ts'
import { Fault } from './faults.ts'

/** Runs `work` in a transaction; with a key, at most once for this caller. */
export async function inOneGo<Answer extends object>(
  request: FastifyRequest,
  db: Db,
  work: (tx: Db) => Promise<Answer>,
): Promise<Answer> {
  const key = request.headers['idempotency-key']
  if (key === undefined) return committed(await db.transaction(work))
  if (typeof key !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(key)) throw new Fault('idempotency_key')
  const answer = await once(db, { caller: callerOf(request), key, bodyHash: hashOf(request) }, work)
  if (answer === 'other_body') throw new Fault('idempotency_reused')
  return committed(answer)
}

/** From here on it is durable, whether the caller hears of it or not. */
async function committed<Answer>(answer: Answer): Promise<Answer> {
  await failpoint('after_commit_before_answer')
  return answer
}

/** What a backend does for a user is not what the user does, nor what another backend does for them. */
function callerOf({ user, byServer }: FastifyRequest): string {
  if (byServer !== null) return `server ${byServer.id}${user === null ? '' : ` for ${user.id}`}`
  return user === null ? 'operator' : `user ${user.id}`
}

function hashOf(request: FastifyRequest): string {
  const what = [request.method, request.routeOptions.url, request.body]
  return createHash('sha256').update(JSON.stringify(what)).digest('base64url')
}
