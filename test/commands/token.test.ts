/** `belfry token`: whoever the server takes for a user can be given a bearer token. */
import { expect, test } from 'vitest'
import { runCommand } from '../kit/server.ts'

test('an id has 1 to 128 characters, however many bytes they take', async () => {
  const longest = '🔔'.repeat(128)
  const { stdout } = await runCommand(['token', longest])
  const [, claims = ''] = stdout.split('.')
  expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({ sub: longest })
  for (const id of ['', `${longest}!`])
    expect(await runCommand(['token', id])).toMatchObject({ code: 1, stderr: 'A user id has 1 to 128 characters.\n' })
})
