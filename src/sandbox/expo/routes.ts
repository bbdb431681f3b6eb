/** Expo's two endpoints over HTTP, with the faults that were asked for. Everything here answers in Expo's error shape. */
import { setTimeout as wait } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Endpoint, FaultKind, Faults } from '../faults.ts'
import { MAX_BODY_BYTES, pack, readJson } from './encoding.ts'
import { errorBody, forbidden, invalid, serverError, tooManyRequests, unauthorized } from './errors.ts'
import type { Answer, PushService } from './push-service.ts'

export interface ExpoRoutesOptions {
  service: PushService
  faults: Faults
}

interface Context extends ExpoRoutesOptions {
  /** Requests left without an answer; the caller's timeout ends them, or our close. */
  hanging: Set<FastifyReply>
}

const caller = { caller: 'sandbox' } as const

export async function expoRoutes(app: FastifyInstance, options: ExpoRoutesOptions): Promise<void> {
  const context: Context = { ...options, hanging: new Set() }
  app.addHook('preClose', async () => {
    for (const reply of context.hanging) reply.raw.destroy()
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: MAX_BODY_BYTES }, (_request, body, done) =>
    done(null, body),
  )
  app.setErrorHandler(async (error: { statusCode?: number; message: string }, request, reply) => {
    const status = error.statusCode ?? 500
    const refused = status < 500 ? { ...invalid(error.message), status } : serverError
    await say(request, reply, { status, body: errorBody(refused) })
    return reply
  })
  app.setNotFoundHandler(async (request, reply) => {
    const refused = { status: 404, code: 'NOT_FOUND', message: 'There is nothing at this address.' }
    await say(request, reply, { status: 404, body: errorBody(refused) })
    return reply
  })

  for (const endpoint of ['send', 'getReceipts'] as const) {
    const url = `/push/${endpoint}`
    app.route({
      method: 'POST',
      url,
      config: caller,
      handler: (request, reply) => handle(request, reply, endpoint, context),
    })
    app.route({ method: ['GET', 'PUT', 'PATCH', 'DELETE'], url, config: caller, handler: methodNotAllowed })
  }
}

async function methodNotAllowed(request: FastifyRequest, reply: FastifyReply) {
  const refused = {
    status: 405,
    code: 'METHOD_NOT_ALLOWED',
    message: `${request.method} is not allowed here; use POST.`,
  }
  reply.header('allow', 'POST')
  await say(request, reply, { status: 405, body: errorBody(refused) })
  return reply
}

async function handle(request: FastifyRequest, reply: FastifyReply, endpoint: Endpoint, context: Context) {
  const { service, faults } = context
  const fault = faults.take(endpoint)
  if (fault && (await failedEarly(fault, request, reply, context))) return reply

  const answer = await answerTo(request, endpoint, service, faults)
  if (faults.settings.latencyMs > 0) await wait(faults.settings.latencyMs, undefined, { ref: false })
  if (fault && answer.status === 200) await spoil(fault, request, reply, answer)
  else await say(request, reply, answer)
  return reply
}

async function answerTo(
  request: FastifyRequest,
  endpoint: Endpoint,
  service: PushService,
  faults: Faults,
): Promise<Answer> {
  const { accessToken } = faults.settings
  if (accessToken !== null && request.headers.authorization !== `Bearer ${accessToken}`)
    return service.refuse(unauthorized)
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? ''))
    return service.refuse(invalid('The request body must be JSON, sent with "Content-Type: application/json".'))
  const raw = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
  const read = await readJson(raw, request.headers['content-encoding'])
  if (!read.ok) return service.refuse({ ...invalid(read.message), status: read.status })
  return endpoint === 'send' ? service.send(read.json) : service.receipts(read.json)
}

/** Faults that keep the request from being read at all: nothing rings. Says whether it was one of those. */
async function failedEarly(fault: FaultKind, request: FastifyRequest, reply: FastifyReply, context: Context) {
  const { service, faults, hanging } = context
  switch (fault) {
    case '401':
      await say(request, reply, service.refuse(unauthorized))
      return true
    case '403':
      await say(request, reply, service.refuse(forbidden))
      return true
    case '429':
      await say(request, reply, service.refuse(tooManyRequests(faults.settings.ratePerSecond || 600)))
      return true
    case '500':
      await say(request, reply, service.refuse(serverError))
      return true
    case '502':
      void reply.code(502).type('text/html').send(proxyPage('502 Bad Gateway'))
      return true
    case '503':
      void reply.code(503).type('text/plain').send('no healthy upstream')
      return true
    case 'reset-before':
      reply.hijack()
      request.raw.socket.resetAndDestroy()
      return true
    case 'hang':
      reply.hijack()
      hanging.add(reply)
      reply.raw.on('close', () => hanging.delete(reply))
      return true
    default:
      return false
  }
}

/** Faults of the answer: the recipients were accepted, and only the word about it is lost. */
async function spoil(fault: FaultKind, request: FastifyRequest, reply: FastifyReply, answer: Answer): Promise<void> {
  const text = JSON.stringify(answer.body)
  switch (fault) {
    case '504-after-accept':
      void reply.code(504).type('text/html').send(proxyPage('504 Gateway Time-out'))
      return
    case 'garbage':
      void reply.code(200).type('application/json').send('<!-- this is not JSON -->')
      return
    case 'short-list':
      await say(request, reply, { status: 200, body: shortened(answer.body) })
      return
    case 'reset-after-accept':
      reply.hijack()
      request.raw.socket.resetAndDestroy()
      return
    case 'half-body':
      reply.hijack()
      reply.raw.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
      reply.raw.write(text.slice(0, text.length / 2), () => request.raw.socket.destroy())
      return
    default:
      await say(request, reply, answer)
  }
}

function shortened(body: unknown): unknown {
  const { data } = body as { data: unknown }
  return { data: Array.isArray(data) ? data.slice(0, -1) : [] }
}

function proxyPage(title: string): string {
  return `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n</body>\r\n</html>\r\n`
}

async function say(request: FastifyRequest, reply: FastifyReply, answer: Answer): Promise<void> {
  const packed = await pack(JSON.stringify(answer.body), request.headers['accept-encoding'])
  if (packed.encoding) reply.header('content-encoding', packed.encoding)
  reply.header('vary', 'Accept-Encoding')
  void reply.code(answer.status).type('application/json; charset=utf-8').send(packed.body)
}
