/**
 * Keys for other backends. A secret is in one answer and nowhere else: not in the database, not in a log, and not in
 * what is kept for `Idempotency-Key`, which is not honoured here for that reason.
 */
import { randomUUIDv7 } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { type Scope, scopes } from '../../domain/scope.ts'
import { timeNow } from '../../store/database/db.ts'
import { audit } from '../../store/operator/audit.ts'
import {
  insertServerKey,
  listServerKeys,
  renewServerKey,
  revokeServerKey,
  type ServerKeyRow,
} from '../../store/operator/server-keys.ts'
import { actorOf } from '../callers/actor.ts'
import { hashed, newSecret } from '../callers/server-keys.ts'
import { Fault } from '../http/faults.ts'
import { missing } from '../http/missing.ts'
import { knownId, text, word } from '../http/text.ts'
import type { ApiOptions } from '../options.ts'

/** Long enough to bring a new secret to every machine of a backend. */
const MAX_GRACE_SECONDS = 7 * 86_400

const newKey = z.strictObject({
  name: text(1, 100).refine((name) => name.trim() !== '', 'must not be empty'),
  scopes: z
    .array(word(scopes), 'must be a list of scopes')
    .min(1, 'must hold at least one scope')
    .max(scopes.length, 'takes each scope once'),
  expires_at: z.iso
    .datetime({ offset: true, error: 'must be a time with a time zone, such as 2026-01-31T09:00:00Z' })
    .nullish(),
})

const renewal = z
  .strictObject({
    grace_seconds: z
      .number('must be a number')
      .int('must be whole')
      .min(0, 'must be at least 0')
      .max(MAX_GRACE_SECONDS, `takes at most ${MAX_GRACE_SECONDS}`)
      .default(0),
  })
  .nullish()

export async function keyRoutes(instance: FastifyInstance, { database }: ApiOptions): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const { db } = database
  const config = { caller: 'operator' } as const
  const params = z.object({ id: text(1) })

  app.get('/api/operator/keys', { config }, async () => {
    return { success: true, keys: (await listServerKeys(db)).map(shown) }
  })

  app.post('/api/operator/keys', { config, schema: { body: newKey } }, async (request, reply) => {
    const { name, expires_at: expiresAt } = request.body
    const wanted: Scope[] = scopes.filter((scope) => request.body.scopes.includes(scope))
    const secret = newSecret()
    const key = await db.transaction(async (tx) => {
      // By the clock that ends it.
      if (expiresAt && Date.parse(expiresAt) <= (await timeNow(tx)).getTime())
        throw new Fault('malformed', { sentence: '"expires_at": is in the past' })
      const row = await insertServerKey(tx, {
        id: randomUUIDv7(),
        name: name.trim(),
        scopes: wanted,
        expiresAt: expiresAt ? new Date(expiresAt) : null,
        ...hashed(secret),
      })
      const detail = { name: row.name, scopes: wanted }
      await audit(tx, { actor: actorOf(request), action: 'key.create', subject: `key:${row.id}`, detail })
      return row
    })
    reply.header('Cache-Control', 'no-store')
    return { success: true, key: shown(key), secret }
  })

  app.post('/api/operator/keys/:id/rotate', { config, schema: { params, body: renewal } }, async (request, reply) => {
    const secret = newSecret()
    const graceSeconds = request.body?.grace_seconds ?? 0
    const key = await db.transaction(async (tx) => {
      const row = await renewServerKey(tx, knownId(request.params.id, 'key'), { ...hashed(secret), graceSeconds })
      if (row === undefined) throw missing('key')
      if (row === 'ended') throw new Fault('key_ended')
      const detail = { name: row.name, grace_seconds: graceSeconds }
      await audit(tx, { actor: actorOf(request), action: 'key.rotate', subject: `key:${row.id}`, detail })
      return row
    })
    reply.header('Cache-Control', 'no-store')
    return { success: true, key: shown(key), secret }
  })

  app.delete('/api/operator/keys/:id', { config, schema: { params } }, async (request) => {
    const id = knownId(request.params.id, 'key')
    await db.transaction(async (tx) => {
      const revoked = await revokeServerKey(tx, id)
      if (revoked === undefined) throw missing('key')
      if (revoked.wasLive) await audit(tx, { actor: actorOf(request), action: 'key.revoke', subject: `key:${id}` })
    })
    return { success: true }
  })
}

function shown({ id, name, prefix, scopes: may, created_at, last_used_at, expires_at, revoked_at }: ServerKeyRow) {
  return { id, name, prefix, scopes: may, created_at, last_used_at, expires_at, revoked_at }
}
