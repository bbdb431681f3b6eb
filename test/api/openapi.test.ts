/** /openapi.json says everything that the router knows, is valid, and /docs shows it in a real browser. */
import { Validator } from '@seriousme/openapi-schema-validator'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { excused } from '../../src/api/docs/table.ts'
import { withPage } from '../kit/chromium.ts'
import { openApi } from './world.ts'

interface Operation {
  summary: string
  tags: string[]
  security: Record<string, string[]>[]
  requestBody?: { content: Record<string, { schema: Schema; example?: unknown }> }
  responses: Record<string, { content: Record<string, { schema: Schema; examples?: object }> }>
}
interface Schema {
  properties: Record<string, Record<string, unknown>>
  required: string[]
  $ref?: string
}
interface Document {
  openapi: string
  paths: Record<string, Record<string, Operation>>
  components: { schemas: object; securitySchemes: object }
}

let world: Awaited<ReturnType<typeof openApi>>
let document: Document
beforeAll(async () => {
  // As the sandbox: a room of its own, whose routes may have several methods.
  const plugin = async (app: FastifyInstance) => {
    app.route({ method: ['GET', 'POST'], url: '/both', config: { caller: 'sandbox' }, handler: async () => ({}) })
  }
  world = await openApi({ mounts: [{ prefix: '/sandbox', plugin }] })
  document = (await (await fetch(`${world.url}/openapi.json`)).json()) as Document
})
afterAll(() => world.close())

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, operation })),
  )
const of = (method: string, path: string) => document.paths[path]![method]!

test('it is valid OpenAPI', async () => {
  expect(await new Validator().validate({ ...structuredClone(document) })).toEqual({ valid: true })
})

test('every route of the router is in it, but for the excused', () => {
  const routes = world.api.declaredRoutes.map(({ method, url }) => `${method} ${url}`)
  const open = routes.filter((route) => !excused.some((pattern) => pattern.test(route)))
  const told = operations().map(({ name }) => name.replaceAll(/\{(\w+)\}/g, ':$1'))
  expect(open.length).toBeGreaterThan(30)
  expect(told.toSorted()).toEqual(open.toSorted())
})

test('every operation has a summary, a tag, who may call it, and answers with their schemas', () => {
  const schemes = Object.keys(document.components.securitySchemes)
  const faultsOf = ({ summary, tags, security, responses }: Operation) => [
    ...(/^[A-Z]/.test(summary) ? [] : ['no summary']),
    ...(tags.length === 1 ? [] : ['no tag']),
    ...security.flatMap((one) => Object.keys(one)).filter((one) => !schemes.includes(one)),
    ...(Object.keys(responses).some((status) => status.startsWith('2')) ? [] : ['no success']),
    ...Object.entries(responses).flatMap(([status, { content }]) => {
      const schema = Object.values(content)[0]?.schema
      if (schema === undefined) return [`${status} has no schema`]
      const isError = schema.$ref === '#/components/schemas/Error'
      return isError || Number(status) < 300 ? [] : [`${status} is no error`]
    }),
  ]
  const faults = operations().flatMap(({ name, operation }) => faultsOf(operation).map((fault) => `${name}: ${fault}`))
  expect(faults).toEqual([])
})

test('who may call is what the router asks for', () => {
  const told = world.api.declaredRoutes.flatMap(({ method, url, caller }) => {
    const operation = document.paths[url.replaceAll(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()]
    if (operation === undefined) return []
    const schemes = operation.security.flatMap((one) => Object.keys(one))
    const said = [schemes.includes('userToken'), schemes.includes('operatorKey'), operation.security.length === 0]
    return [{ url, said, declared: [caller.startsWith('user'), caller.includes('operator'), caller === 'anybody'] }]
  })
  expect(told.length).toBeGreaterThan(30)
  expect(told.filter(({ said, declared }) => String(said) !== String(declared))).toEqual([])
})

test('request schemas say what the routes check', () => {
  const bodyOf = (method: string, path: string) => of(method, path).requestBody!.content['application/json']!
  const registration = bodyOf('post', '/api/users/push-token')
  expect(registration.schema.required.toSorted()).toEqual(['device_type', 'push_token'])
  expect(registration.schema.properties.push_token).toMatchObject({
    type: 'string',
    maxLength: 255,
    pattern: expect.stringContaining('PushToken'),
  })
  expect(registration.schema.properties.device_type).toMatchObject({ type: 'string', enum: ['android', 'ios'] })
  expect(registration.example).toMatchObject({ device_type: 'android' })
  expect(bodyOf('post', '/message/send-message').schema.properties).toMatchObject({
    receiver_id: { type: 'string', minLength: 1, maxLength: 128 },
    message_type: { enum: ['text', 'zoom_link', 'form_link', 'status_update'] },
  })
  expect(Object.keys(of('post', '/api/posts/').requestBody!.content)).toEqual([
    'application/json',
    'application/x-www-form-urlencoded',
  ])
  expect(of('post', '/api/users/push-token').responses['400']?.content['application/json']?.examples).toHaveProperty(
    'token_malformed',
  )
})

test('/docs shows it in a browser, and nothing offends the content security policy', async () => {
  const offences: string[] = []
  await withPage('about:blank', async (page) => {
    page.on('console', (message) => {
      if (message.type() === 'error' || /Content Security Policy/i.test(message.text())) offences.push(message.text())
    })
    page.on('pageerror', (error) => offences.push(error.message))
    page.on('requestfailed', (request) => offences.push(`${request.url()} failed`))
    page.on('request', (request) => {
      if (!request.url().startsWith(world.url) && !request.url().startsWith('data:')) offences.push(request.url())
    })
    const answer = await page.goto(`${world.url}/docs`)
    expect(answer?.headers()['content-security-policy']).not.toContain('unsafe-inline')
    await page.waitForSelector('.opblock', { timeout: 60_000 })
    expect(await page.locator('.opblock').count()).toBe(operations().length)
    await page.locator('.opblock-summary', { hasText: '/api/users/push-token' }).first().click()
    await page.waitForSelector('.opblock-body', { timeout: 60_000 })
    expect(await page.locator('.info .title').textContent()).toContain('Belfry')
  })
  expect(offences).toEqual([])
})
