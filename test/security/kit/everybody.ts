/** Every kind of caller, with what they show, at a server that has something of everybody's. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sandboxPlugin } from '../../../src/sandbox/plugin.ts'
import { bearer, jwt, OPERATOR_KEY, openApi } from '../../api/world.ts'

export type Headers = Record<string, string>
export const WEBHOOK_SECRET = 'a-webhook-secret-of-the-tests'

export interface Asked {
  status: number
  headers: Record<string, string | string[] | undefined>
  // oxlint-disable-next-line typescript/no-explicit-any -- answers have every shape there is
  body: Record<string, any>
}

/** One request; of an answer that never ends only its head. */
export function ask(url: string, method: string, headers: Headers = {}, json?: unknown): Promise<Asked> {
  const body = json === undefined ? undefined : JSON.stringify(json)
  const more = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': `${body.length}` }
  return new Promise((done, fail) => {
    const asked = request(url, { method, headers: { ...more, ...headers }, agent: false }, (response) => {
      const { statusCode: status = 0, headers: received } = response
      const isStream = received['content-type']?.startsWith('text/event-stream') ?? false
      let text = ''
      const end = () => done({ status, headers: received, body: parsed(text) })
      if (isStream) {
        asked.destroy()
        return end()
      }
      response.setEncoding('utf8').on('data', (part: string) => (text += part))
      response.on('end', end).on('error', fail)
    })
    asked.on('error', fail).end(body)
  })
}

function parsed(text: string): Asked['body'] {
  try {
    return JSON.parse(text) as Asked['body']
  } catch {
    return {}
  }
}

export type World = Awaited<ReturnType<typeof openApi>>

/** A key with these scopes, made as an operator makes it. */
export async function makeKey(world: World, scopes: string[], name = scopes.join(' ')) {
  const answer = await ask(`${world.url}/api/operator/keys`, 'POST', operator, { name, scopes })
  if (answer.status !== 200) throw new Error(`no key: ${answer.status} ${JSON.stringify(answer.body)}`)
  return { id: answer.body.key.id as string, secret: answer.body.secret as string }
}

export const operator: Headers = { authorization: `Bearer ${OPERATOR_KEY}` }
export const show = (secret: string, more: Headers = {}): Headers => ({ authorization: `Bearer ${secret}`, ...more })

/** The console and the sandbox are there, too, so that no route is missing. */
export async function openEverything() {
  const folder = mkdtempSync(join(tmpdir(), 'belfry-console-'))
  mkdirSync(join(folder, 'assets'))
  writeFileSync(join(folder, 'index.html'), '<!doctype html>')
  writeFileSync(join(folder, 'assets', 'begin.js'), '')
  const sandbox = { receiptDelayMs: 1_000, ratePerSecond: 0, stateFile: join(folder, 'sandbox.json') }
  const world = await openApi({
    consoleDir: folder,
    webhookSecret: WEBHOOK_SECRET,
    metrics: { scrape: async () => ({ contentType: 'text/plain', text: '' }) },
    mounts: [{ prefix: '/sandbox', plugin: (app) => sandboxPlugin(app, sandbox) }],
  })
  const close = async () => {
    await world.close()
    rmSync(folder, { recursive: true, force: true })
  }
  return { ...world, close }
}

/** By the names of the columns of the table. */
export async function everybody(world: World): Promise<Record<string, Headers>> {
  const [send, users, read, gone] = [
    await makeKey(world, ['send']),
    await makeKey(world, ['users']),
    await makeKey(world, ['read']),
    await makeKey(world, ['send', 'users', 'read'], 'revoked'),
  ]
  await ask(`${world.url}/api/operator/keys/${gone.id}`, 'DELETE', operator)
  const signedIn = await ask(`${world.url}/console/sign-in`, 'POST', {}, { key: OPERATOR_KEY })
  const [cookie = ''] = signedIn.headers['set-cookie'] ?? []
  return {
    nobody: {},
    alice: { authorization: await bearer('alice', 'Alice') },
    bob: { authorization: await bearer('bob', 'Bob') },
    forged: { authorization: await bearer('alice', 'Alice', { ...jwt, secret: 'x'.repeat(64) }) },
    'send key': show(send.secret),
    'users key': show(users.secret),
    'users key for alice': show(users.secret, { 'belfry-user': 'alice' }),
    'send key for alice': show(send.secret, { 'belfry-user': 'alice' }),
    'read key': show(read.secret),
    'ended key': show(gone.secret),
    'no key': show(`blf_${'A'.repeat(43)}`),
    operator,
    console: { cookie: cookie.split(';', 1)[0] ?? '', origin: world.url },
    webhook: { 'x-webhook-secret': WEBHOOK_SECRET },
  }
}
