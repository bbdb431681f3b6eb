/** What a person may ask for, and who did what: from the command line. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { OPERATOR_KEY, runCommand } from '../kit/server.ts'
import { type World, worlds } from '../kit/world.ts'

let world: World
beforeAll(async () => {
  world = await worlds[0]!.open()
})
afterAll(() => world?.close())

const belfry = (...args: string[]) =>
  runCommand(args, { env: { BELFRY_URL: world.server.url, BELFRY_KEY: OPERATOR_KEY, OPERATOR_KEY: undefined } })

test('a user is exported, erased when that is said twice, and the audit log tells of both', async () => {
  const token = await world.user('ana').register()
  const exported = await belfry('users', 'export', 'ana')
  expect(JSON.parse(exported.stdout)).toMatchObject({ user: { id: 'ana' }, push_tokens: [{ token }] })

  const unasked = await belfry('users', 'erase', 'ana')
  expect(unasked).toMatchObject({ code: 1, stderr: expect.stringContaining('--yes') })
  expect((await belfry('users', 'export', 'ana')).code).toBe(0)
  expect((await belfry('audit', '--subject', 'user:ana')).stdout).toMatch(/ operator +user\.export +user:ana$/m)

  const erased = await belfry('users', 'erase', 'ana', '--yes')
  expect(erased).toMatchObject({ code: 0, stdout: expect.stringMatching(/^ana is erased: .*push tokens 1/) })
  expect(await belfry('users', 'erase', 'ana', '--yes')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Nothing is known of a user with this id'),
  })
  const { stdout } = await belfry('audit', '--action', 'user.*', '--limit', '1', '--json')
  expect(JSON.parse(stdout)).toMatchObject({ entries: [{ action: 'user.erase', subject: 'erased' }] })
  expect((await belfry('audit')).stdout).not.toContain('ana')
})
