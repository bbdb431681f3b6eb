/** The console's door and its files. The page itself is for anybody; everything that it shows asks for the session. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { keyComparer } from '../callers/callers.ts'
import { addressOf } from '../callers/limits.ts'
import { Fault } from '../http/faults.ts'
import { text } from '../http/text.ts'
import type { ApiOptions } from '../options.ts'
import { limitAttempts } from './attempts.ts'
import { insteadOfPages, whyNoPages } from './pages.ts'
import { requireOwnPage, type Sessions } from './session.ts'
import { auditedSignIns } from './sign-ins.ts'

export async function consoleRoutes(instance: FastifyInstance, options: ApiOptions, sessions: Sessions): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const isOperatorKey = keyComparer(options.operatorKey)
  const attempts = limitAttempts(Date.now)
  const signIns = auditedSignIns(options.database.db, Date.now)
  const anybody = { caller: 'anybody' } as const

  app.post(
    '/console/sign-in',
    { config: anybody, schema: { body: z.strictObject({ key: text(1, 500) }) } },
    async (request, reply) => {
      if (request.headers.origin !== undefined) requireOwnPage(request)
      const retryAfterSeconds = attempts.waitSeconds(addressOf(request))
      if (retryAfterSeconds > 0) {
        await signIns.failed(addressOf(request), true)
        throw new Fault('too_many_attempts', { retryAfterSeconds })
      }
      if (!isOperatorKey(request.body.key.trim())) {
        attempts.failed(addressOf(request))
        await signIns.failed(addressOf(request), false)
        throw new Fault('wrong_key')
      }
      await signIns.done(addressOf(request))
      reply.header('Set-Cookie', sessions.open(request))
      return { success: true }
    },
  )

  app.post('/console/sign-out', { config: anybody }, async (request, reply) => {
    requireOwnPage(request)
    reply.header('Set-Cookie', sessions.none(request))
    await sessions.end(request)
    return { success: true }
  })

  app.get('/console/session', { config: anybody }, async (request) => ({
    signed_in: await sessions.has(request),
    mode: options.mode,
    version: options.version,
    rate_limit: options.rateLimit ?? null,
  }))

  await pageRoutes(app, options.consoleDir)
}

/** Files with a hash in their name never change; the page that names them is always asked for. */
const FOR_EVER = 'public, max-age=31536000, immutable'

async function pageRoutes(app: FastifyInstance, folder = ''): Promise<void> {
  const config = { caller: 'anybody' }
  const missing = folder === '' ? 'absent' : whyNoPages(folder)
  if (missing !== undefined) {
    app.get('/console', { config }, (_request, reply) => sendInstead(reply, insteadOfPages[missing]))
    return
  }
  await app.register(fastifyStatic, { root: folder, serve: false })
  const page = (reply: FastifyReply) =>
    reply.header('Cache-Control', 'no-cache').sendFile('index.html', { cacheControl: false, lastModified: false })
  app.get('/console', { config }, (_request, reply) => page(reply))
  app.get('/console/assets/:file', { config }, (request, reply) => {
    const { file } = request.params as { file: string }
    if (!/^[\w-]+(\.[\w-]+)+$/.test(file) || !existsSync(join(folder, 'assets', file))) throw new Fault('not_found')
    return reply.header('Cache-Control', FOR_EVER).sendFile(`assets/${file}`, { cacheControl: false })
  })
}

function sendInstead(reply: FastifyReply, page: string): FastifyReply {
  return reply.code(503).type('text/html; charset=utf-8').header('Cache-Control', 'no-store').send(page)
}
