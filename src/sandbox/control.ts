/** The sandbox's own API: what its page and tests ask of it. Errors have the server's shape. */
import type { FastifyInstance, FastifyReply } from 'fastify'
import { faultKinds } from './faults.ts'
import { type Phone, phoneStates } from './phones/phone.ts'
import type { Sandbox } from './sandbox.ts'

const config = { caller: 'sandbox' } as const
const MAX_NAME = 128

export async function controlRoutes(app: FastifyInstance, { sandbox }: { sandbox: Sandbox }): Promise<void> {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string', bodyLimit: 16 * 1024 * 1024 }, parseJson)
  app.setErrorHandler((error: { statusCode?: number; message: string; code?: string }, _request, reply) => {
    const status = error.statusCode ?? 500
    const message = status < 500 ? error.message : 'The sandbox failed.'
    return reply.code(status).send({ success: false, error: message, code: status < 500 ? 'bad_request' : 'internal' })
  })
  phoneRoutes(app, sandbox)
  faultRoutes(app, sandbox)

  app.get('/state', { config }, () => sandbox.snapshot())
  app.get('/stats', { config }, () => sandbox.service.counts)
  app.delete('/strangers', { config }, () => {
    sandbox.phones.forgetStrangers()
    return { success: true }
  })
  app.get('/token', { config }, async (request, reply) => {
    const { user, name } = request.query as Record<string, unknown>
    if (!isName(user)) return refuse(reply, 400, 'bad_request', 'Name the user: ?user=ana')
    const token = await sandbox.options.mintToken?.(user, isName(name) ? name : undefined)
    if (token === undefined)
      return refuse(reply, 404, 'cannot_mint', 'This sandbox may not make bearer tokens; paste one.')
    void reply.header('cache-control', 'no-store')
    return { success: true, token }
  })
}

function phoneRoutes(app: FastifyInstance, sandbox: Sandbox): void {
  const { phones } = sandbox
  app.get('/phones', { config }, () => ({ phones: phones.all() }))

  app.post('/phones', { config }, (request, reply) => {
    const { platform, user, userName, state } = bodyOf(request.body)
    if (platform !== 'ios' && platform !== 'android')
      return refuse(reply, 400, 'bad_request', '"platform" is ios or android.')
    if (!isName(user)) return refuse(reply, 400, 'bad_request', '"user" is the id of a user, up to 128 characters.')
    if (state !== undefined && !isState(state))
      return refuse(reply, 400, 'bad_request', `"state" is one of ${phoneStates.join(', ')}.`)
    const phone = phones.add({
      platform,
      user,
      userName: isName(userName) ? userName : user,
      ...(isState(state) ? { state } : {}),
    })
    if (!phone) return refuse(reply, 409, 'too_many_phones', 'The shelf is full; remove a phone first.')
    return reply.code(201).send({ success: true, phone })
  })

  app.patch('/phones/:id', { config }, (request, reply) => {
    const phone = find(request.params)
    if (!phone) return refuse(reply, 404, 'no_such_phone', 'There is no such phone.')
    const { state, ...rest } = bodyOf(request.body)
    if (state !== undefined && !isState(state))
      return refuse(reply, 400, 'bad_request', `"state" is one of ${phoneStates.join(', ')}.`)
    phones.change(phone, changes(rest))
    if (isState(state)) phones.setState(phone, state)
    return { success: true, phone }
  })

  app.delete('/phones/:id', { config }, (request) => {
    phones.remove((request.params as { id: string }).id)
    return { success: true }
  })

  for (const action of ['tap', 'dismiss'] as const)
    app.post(`/phones/:id/${action}`, { config }, (request, reply) => {
      const phone = find(request.params)
      const { notification } = bodyOf(request.body)
      if (!phone || typeof notification !== 'string')
        return refuse(reply, 404, 'no_such_phone', 'There is no such phone.')
      phones[action](phone, notification)
      return { success: true, phone }
    })

  function find(params: unknown): Phone | undefined {
    return phones.get((params as { id: string }).id)
  }
}

function faultRoutes(app: FastifyInstance, { faults, phones }: Sandbox): void {
  const told = () => {
    const { projects, ...settings } = faults.settings
    return { ...settings, projects: typeof projects === 'function' ? {} : projects, kinds: faultKinds }
  }
  app.get('/faults', { config }, told)
  app.patch('/faults', { config }, (request, reply) => {
    try {
      faults.change(bodyOf(request.body))
    } catch (error) {
      return refuse(reply, 400, 'bad_request', (error as Error).message)
    }
    phones.tellAll()
    return told()
  })
  app.delete('/faults', { config }, () => {
    faults.reset()
    phones.tellAll()
    return told()
  })
}

function parseJson(
  _request: unknown,
  text: string | Buffer,
  done: (error: Error | null, body?: unknown) => void,
): void {
  try {
    done(null, text.length === 0 ? {} : JSON.parse(text.toString()))
  } catch {
    done(Object.assign(new Error('The body is not valid JSON.'), { statusCode: 400 }))
  }
}

function refuse(reply: FastifyReply, status: number, code: string, error: string): FastifyReply {
  return reply.code(status).send({ success: false, error, code })
}

function bodyOf(body: unknown): Record<string, unknown> {
  return typeof body === 'object' && body !== null && !Array.isArray(body) ? (body as Record<string, unknown>) : {}
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '' && value.length <= MAX_NAME
}

function isState(value: unknown): value is Phone['state'] {
  return (phoneStates as readonly unknown[]).includes(value)
}

/** Of a patch only what a page may set, cut to a length that can be shown. */
function changes(patch: Record<string, unknown>) {
  const { user, userName, registered, problem, note } = patch
  return {
    ...(isName(user) ? { user } : {}),
    ...(isName(userName) ? { userName } : {}),
    ...(typeof registered === 'boolean' ? { registered } : {}),
    ...(isSentence(problem) ? { problem: problem?.slice(0, 300) ?? null } : {}),
    ...(isSentence(note) ? { note: note?.slice(0, 300) ?? null } : {}),
  }
}

function isSentence(value: unknown): value is string | null {
  return value === null || typeof value === 'string'
}
