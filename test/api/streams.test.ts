/** Answers that stay open: for as long as somebody is there who may listen. */
import { once } from 'node:events'
import { request as ask } from 'node:http'
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openStream, type Stream } from '../../src/api/http/stream.ts'
import { OPERATOR_KEY, openApi } from './world.ts'

let world: Awaited<ReturnType<typeof openApi>>
/** What the key of the other backend allows. */
let scopes = ['read']
beforeAll(async () => {
  world = await openApi({ findServer: async () => ({ id: 'board', scopes }) })
})
afterAll(() => world.close())

test('who left before the first word is not watched for', async () => {
  const app = Fastify()
  const opened = Promise.withResolvers<Stream>()
  app.get('/', async (request, reply) => {
    viewer.destroy()
    await once(request.raw.socket, 'close')
    opened.resolve(openStream(request, reply))
  })
  await app.listen({ port: 0 })
  const viewer = ask({ port: (app.server.address() as AddressInfo).port }).end()
  viewer.on('error', () => undefined)
  const stream = await opened.promise
  let left = false
  stream.onClose(() => (left = true))
  stream.send({ event: 'late', data: {} })
  await app.close()
  expect([stream.closed, left]).toEqual([true, true])
})

test('a key that is revoked hears no more', async () => {
  const made = await fetch(`${world.url}/api/notifications`, {
    method: 'POST',
    headers: { authorization: `Bearer ${OPERATOR_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ to: 'everyone', title: 'A' }),
  })
  const { notification_id: id } = (await made.json()) as { notification_id: string }
  const headers = { authorization: 'Bearer blf_board' }
  const events = await fetch(`${world.url}/api/notifications/${id}/events`, { headers })
  scopes = []
  expect(await events.text()).toContain('event: progress')
}, 20_000)

test('whoever signs out hears no more, also in a tab that was left open', async () => {
  const signedIn = await fetch(`${world.url}/console/sign-in`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ key: OPERATOR_KEY }),
  })
  const headers = { cookie: signedIn.headers.get('set-cookie')!.split(';', 1)[0]!, origin: world.url }
  const events = await fetch(`${world.url}/api/operator/now/events`, { headers })
  const told = events.body!.pipeThrough(new TextDecoderStream()).getReader()
  for (let heard = ''; !heard.includes('event: now'); )
    heard += (await told.read()).value ?? expect.fail('nothing was told')
  await fetch(`${world.url}/console/sign-out`, { method: 'POST', headers })
  while (!(await told.read()).done);
}, 20_000)
