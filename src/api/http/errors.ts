/** Every error leaves in the same shape, whoever noticed it: a handler, Fastify, its router, or Node's HTTP parser. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isDatabaseAway } from '../../store/database/away.ts'
import { isOfErasedUser } from '../../store/people/erase.ts'
import { bodyOf, Fault, type FaultCode, type FaultDetails, statusOf } from './faults.ts'
import { detailsOf, type Unreadable } from './json.ts'

const RETRY_AFTER_SECONDS = 2

/** What Fastify and its parsers say, in our words. */
const byFastifyCode: Record<string, FaultCode> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'media_type',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'bad_json',
  FST_ERR_CTP_INVALID_JSON_BODY: 'bad_json',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'bad_json',
  FST_ERR_BAD_URL: 'bad_url',
  FST_ERR_MAX_PARAM_LENGTH: 'url_too_long',
  FST_ERR_NOT_FOUND: 'not_found',
}
/** What Node's parser says of a request that never became one. */
const byParserCode: Record<string, FaultCode> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'too_slow',
}

export function setErrorHandlers(app: FastifyInstance): void {
  app.setErrorHandler(answerError)
  app.setNotFoundHandler((request) => {
    throw notFound(request)
  })
}

export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof Fault) return answerFault(reply, error.code, error.details)
  if (isDatabaseAway(error)) {
    request.log.warn({ error: (error as Error).message }, 'the database does not answer')
    return answerFault(reply, 'database_away')
  }
  if (isOfErasedUser(error)) return answerFault(reply, 'user_erased')
  const { code, statusCode, validation } = error as Partial<FastifyError>
  if (validation) return answerFault(reply, ...faultOfValidation(validation as Issue[]))
  const known = code !== undefined ? byFastifyCode[code] : undefined
  if (known) return answerFault(reply, known, detailsOf(error as Unreadable))
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) return answerFault(reply, 'bad_json')
  request.log.error({ err: error, route: request.routeOptions.url }, 'a request failed')
  return answerFault(reply, 'internal')
}

function answerFault(reply: FastifyReply, code: FaultCode, details: FaultDetails = {}): FastifyReply {
  const status = statusOf(code)
  if (status === 401) reply.header('WWW-Authenticate', 'Bearer')
  if (status === 503 || status === 429) reply.header('Retry-After', details.retryAfterSeconds ?? RETRY_AFTER_SECONDS)
  return reply
    .code(status)
    .type('application/json; charset=utf-8')
    .send(JSON.stringify(bodyOf(code, details)))
}

export function notFound({ method, url }: FastifyRequest): Fault {
  const path = url.split('?', 1)[0] ?? ''
  const shown = path.length > 100 ? `${path.slice(0, 100)}…` : path
  return new Fault('not_found', { sentence: `There is no ${method} ${shown} here` })
}

/** An issue of Zod's, as fastify-type-provider-zod hands it on. */
interface Issue {
  keyword?: string
  instancePath?: string
  message?: string
  params?: { keys?: string[]; expected?: string; params?: { fault?: FaultCode } }
}

function faultOfValidation(issues: Issue[]): [FaultCode, FaultDetails] {
  const own = issues.map((issue) => issue.params?.params?.fault).find((code) => code !== undefined)
  if (own !== undefined) return [own, {}]
  const unknown = issues.find((issue) => issue.keyword === 'unrecognized_keys')
  if (unknown) return ['unknown_field', { values: { field: (unknown.params?.keys ?? []).map(quote).join(', ') } }]
  const sentence = issues.slice(0, 5).map(sentenceOf).join('; ')
  return ['malformed', sentence === '' ? {} : { sentence }]
}

function sentenceOf({ instancePath = '', message = 'does not fit', params }: Issue): string {
  const path = instancePath.slice(1).replaceAll('/', '.')
  // Zod's own words, where no schema of ours has others.
  const isRaw = message.startsWith('Invalid input: expected')
  const kind = kinds[params?.expected ?? ''] ?? 'something else'
  if (path === '') return isRaw ? `The body must be ${kind}` : `The request: ${message}`
  return `${quote(path)}: ${isRaw ? `must be ${kind}` : message}`
}

const kinds: Record<string, string> = {
  object: 'an object',
  record: 'an object',
  array: 'a list',
  string: 'a string',
  number: 'a number',
  boolean: 'true or false',
}

function quote(name: string): string {
  return `"${name.length > 60 ? `${name.slice(0, 60)}…` : name}"`
}

/** @param error from Node's HTTP parser: there is no request to answer, only a socket. */
export function answerOnSocket(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const code = byParserCode[error.code ?? ''] ?? 'bad_http'
  const body = JSON.stringify(bodyOf(code))
  const headers = Object.entries(bareHeaders(body)).map(([name, value]) => `${name}: ${value}\r\n`)
  const status = `HTTP/1.1 ${statusOf(code)} ${reasons[code] ?? 'Bad Request'}`
  socket.end(`${status}\r\n${headers.join('')}\r\n${body}`, () => socket.destroy())
}

/** What every answer says to browsers, where no hook has run that would say more. */
export const SAFE_HEADERS = {
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
}

function bareHeaders(body: string): Record<string, string> {
  return {
    ...SAFE_HEADERS,
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(body)),
    Connection: 'close',
  }
}

const reasons: Partial<Record<FaultCode, string>> = {
  headers_too_large: 'Request Header Fields Too Large',
  too_slow: 'Request Timeout',
}

/** Node answers an `Expect` that it does not know by itself, without a body. */
export function answerExpectations(server: Server): void {
  server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    const body = JSON.stringify(bodyOf('expectation'))
    response.writeHead(statusOf('expectation'), bareHeaders(body))
    response.end(body)
  })
}
