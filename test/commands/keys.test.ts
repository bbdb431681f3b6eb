/** `belfry keys`, as people type it. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { OPERATOR_KEY, openApi } from '../api/world.ts'
import { until } from '../kit/guard.ts'
import { runCommand } from '../kit/server.ts'

let world: Awaited<ReturnType<typeof openApi>>
beforeAll(async () => {
  world = await openApi()
})
afterAll(() => world.close())

const belfry = (...args: string[]) =>
  runCommand(args, { env: { BELFRY_URL: world.url, BELFRY_KEY: OPERATOR_KEY, OPERATOR_KEY: undefined } })
const statusWith = async (key: string) =>
  (await fetch(`${world.url}/api/notifications`, { headers: { authorization: `Bearer ${key}` } })).status

test('a key from its making to its end', async () => {
  const made = await belfry('keys', 'create', 'The shop', '--scopes', 'send, read', '--expires', '90d')
  expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^blf_[\w-]{43}\n$/) })
  const secret = made.stdout.trim()
  expect(made.stderr).toMatch(/^[0-9a-f-]{36} The shop: Keep it/)
  const id = made.stderr.slice(0, 36)
  expect(await statusWith(secret)).toBe(200)

  const listed = await belfry('keys', 'list')
  expect(listed.stdout).toMatch(new RegExp(`^${id}  The shop  ${secret.slice(0, 8)}  send,read .* live until `, 'm'))
  expect(listed.stdout).not.toContain(secret)
  expect(JSON.parse((await belfry('keys', 'list', '--json')).stdout)).toMatchObject({ keys: [{ id }] })

  const renewed = await belfry('keys', 'rotate', id, '--grace', '1h', '--json')
  const second = JSON.parse(renewed.stdout).secret as string
  expect([await statusWith(secret), await statusWith(second)]).toEqual([200, 200])

  expect(await belfry('keys', 'revoke', id)).toMatchObject({ code: 0, stdout: `${id} is revoked\n` })
  await until('both secrets to end', async () => (await statusWith(secret)) + (await statusWith(second)) === 802)
  expect((await belfry('keys', 'list')).stdout).toMatch(/ revoked \d{4}-/)
})

test('what cannot be done is said in a sentence', async () => {
  const faults: [string[], string][] = [
    [['create', 'x', '--scopes', 'all'], 'send, users, read'],
    [['create', 'x', '--scopes', 'read', '--expires', 'soon'], '"soon" is no time'],
    [['rotate', 'x', '--grace', 'long'], '"long" is no time'],
    [['rotate', 'x'], 'no key with this id'],
    [['revoke', '00000000-0000-7000-8000-000000000000'], 'belfry keys list'],
  ]
  for (const [args, sentence] of faults) {
    const ran = await belfry('keys', ...args)
    expect(ran.code).toBe(1)
    expect(ran.stderr.split('\n')).toHaveLength(2)
    expect(ran.stderr).toContain(sentence)
  }
})

test('the commands in docs/security.md work as they are pasted, one after the other', async () => {
  const project = join(import.meta.dirname, '..', '..')
  const page = readFileSync(join(project, 'docs', 'security.md'), 'utf8')
  const blocks = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block)
  expect(blocks).toHaveLength(3)
  const script = blocks.join('echo\n').replaceAll('http://127.0.0.1:8787', world.url)
  const PATH = `${join(project, 'test', 'requirements', 'stand-in')}${delimiter}${process.env.PATH}`
  const env = { ...process.env, PATH, NODE: process.execPath, BELFRY_URL: world.url, BELFRY_KEY: OPERATOR_KEY }
  const { stdout } = await promisify(execFile)('/bin/sh', ['-ec', script], { cwd: project, env })
  const [answer = '', ...list] = stdout.trim().split('\n')
  expect(JSON.parse(answer)).toMatchObject({ success: true, message: { sender_id: 'alice', receiver_id: 'bob' } })
  expect(list.join('\n')).toMatch(/ shop +blf_.{4} +send,users /)
})
