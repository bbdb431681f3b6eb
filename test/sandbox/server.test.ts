/** The sandbox over HTTP, beside Expo's endpoints: its phones, what they keep, and who is told. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startSandbox } from '../../src/sandbox/server.ts'
import { runCommand } from '../kit/server.ts'

type Started = Awaited<ReturnType<typeof startSandbox>>
interface Phone {
  id: string
  token: string
  notifications: { title: string }[]
}

let folder: string
let stateFile: string
let sandbox: Started

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sandbox-'))
  stateFile = join(folder, 'deep', 'sandbox.json')
  sandbox = await start()
})
afterEach(async () => {
  await sandbox.close()
  rmSync(folder, { recursive: true })
})

async function start(): Promise<Started> {
  return startSandbox({ port: 0, host: '127.0.0.1', stateFile })
}

async function call(method: string, path: string, body?: unknown): Promise<Response> {
  const init = { method, headers: { 'content-type': 'application/json' } }
  return fetch(sandbox.url + path, body === undefined ? { method } : { ...init, body: JSON.stringify(body) })
}

async function addPhone(): Promise<Phone> {
  const answer = await call('POST', '/sandbox/api/phones', { platform: 'ios', user: 'ana', userName: 'Ana' })
  expect(answer.status).toBe(201)
  return ((await answer.json()) as { phone: Phone }).phone
}

async function phonesNow(): Promise<Phone[]> {
  return ((await (await call('GET', '/sandbox/api/phones')).json()) as { phones: Phone[] }).phones
}

test('a push to a phone is seen by an open page, and is still there after a restart', async () => {
  const phone = await addPhone()
  expect(phone.token).toMatch(/^ExponentPushToken\[[\w-]{22}\]$/)
  const page = await fetch(`${sandbox.url}/sandbox/events`)
  const told = page.body!.pipeThrough(new TextDecoderStream()).getReader()
  await call('POST', '/sandbox/--/api/v2/push/send', { to: phone.token, title: 'Ding' })
  let heard = ''
  while (!heard.includes('"rang":["')) heard += (await told.read()).value ?? expect.fail('the page was left alone')
  expect(heard).toContain('event: hello')
  expect(heard).toContain('Ding')
  await told.cancel()

  await sandbox.close()
  sandbox = await start()
  expect(await phonesNow()).toMatchObject([{ id: phone.id, notifications: [{ title: 'Ding' }] }])
})

test('a state file that cannot be read is left out', async () => {
  await addPhone()
  await sandbox.close()
  writeFileSync(stateFile, '{"version":1,"kept":{"phones":[{}]}}')
  sandbox = await start()
  expect(await phonesNow()).toEqual([])
})

test('alone on a port that is taken, it says how to choose another', async () => {
  const ran = await runCommand(['sandbox', '--port', new URL(sandbox.url).port])
  expect(ran).toMatchObject({ code: 1, stderr: expect.stringContaining('--port') })
})

test('a page with a request that hangs and an open stream does not keep the sandbox from closing', async () => {
  await call('PATCH', '/sandbox/api/faults', { next: [{ kind: 'hang' }] })
  const hanging = call('POST', '/--/api/v2/push/send', { to: 'ExponentPushToken[a]' }).catch(() => 'cut')
  await fetch(`${sandbox.url}/sandbox/events`)
  await sandbox.close()
  expect(await hanging).toBe('cut')
})

test('what is asked wrongly is refused with a sentence', async () => {
  const wrong: [string, string, unknown][] = [
    ['POST', '/sandbox/api/phones', { platform: 'fax', user: 'ana' }],
    ['POST', '/sandbox/api/phones', { platform: 'ios', user: '' }],
    ['PATCH', '/sandbox/api/faults', { lateness: 3 }],
    ['PATCH', '/sandbox/api/faults', { latencyMs: 'slow' }],
    ['PATCH', '/sandbox/api/faults', { next: [{ kind: 'earthquake' }] }],
  ]
  for (const [method, path, body] of wrong) {
    const answer = await call(method, path, body)
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ success: false, error: expect.any(String), code: 'bad_request' })
  }
  expect((await call('PATCH', '/sandbox/api/phones/nobody', { state: 'open' })).status).toBe(404)
})

test.each(['', '/sandbox'])('the page and its files lie below "%s", and nothing else does', async (base) => {
  const page = await call('GET', `${base}/`)
  expect(page.headers.get('content-security-policy')).toMatch(/default-src 'none'/)
  const html = await page.text()
  expect(html).toContain(`<base href="${base}/">`)
  expect(html).not.toMatch(/<style|style=|<script>|onclick=/)
  for (const [, file] of html.matchAll(/(?:src|href)="(assets\/[^"]+)"/g))
    expect((await call('GET', `${base}/${file}`)).status).toBe(200)
  expect((await call('GET', `${base}/assets/..%2Fplugin.ts`)).status).toBe(404)
  expect((await call('GET', `${base}/assets/index.html`)).status).toBe(404)
})
