/** `/openapi.json`: written from the router, the routes' schemas and the table, when somebody asks for the first time. */
import swagger from '@fastify/swagger'
import type { FastifyInstance, FastifySchema } from 'fastify'
import { createJsonSchemaTransform } from 'fastify-type-provider-zod'
import type { Caller } from '../callers/callers.ts'
import { describeOperation, type Operation, securitySchemes } from './operation.ts'
import { tags } from './route-doc.ts'
import { components } from './schemas.ts'
import { docs, excused } from './table.ts'

type Paths = Record<string, Record<string, Operation>>

/** Before the first route: it has to see them all. */
export async function documentRoutes(app: FastifyInstance, version: string): Promise<void> {
  const toJson = createJsonSchemaTransform({})
  const known = new Map<string, { route: string; caller: Caller }>()
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Belfry',
        version,
        description: 'Push notifications for Expo apps, from your own server.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/' }],
      tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    },
    transform(asked) {
      const { route, url } = asked
      const [name = ''] = [route.method].flat().map((method) => `${method} ${url}`)
      const isTold = !excused.some((pattern) => pattern.test(name)) && docs[name] !== undefined
      if (!isTold) return { schema: { hide: true } as FastifySchema, url }
      const path = url.replaceAll(/:(\w+)/g, '{$1}')
      known.set(`${String(route.method)} ${path}`, { route: name, caller: route.config?.caller as Caller })
      return toJson({ ...asked, schema: asked.schema ?? {} })
    },
    transformObject: (found) => {
      if (!('openapiObject' in found)) throw new Error('the document is one of OpenAPI')
      const { openapiObject } = found
      const paths = described(openapiObject.paths as Paths, known)
      return { ...openapiObject, paths, components: { schemas: components, securitySchemes } } as typeof openapiObject
    },
  })
}

function described(paths: Paths, known: Map<string, { route: string; caller: Caller }>): Paths {
  return Object.fromEntries(
    Object.entries(paths).map(([path, operations]) => [
      path,
      Object.fromEntries(
        Object.entries(operations).map(([method, operation]) => {
          const { route, caller } = known.get(`${method.toUpperCase()} ${path}`)!
          return [method, describeOperation(route, caller, docs[route]!, operation)]
        }),
      ),
    ]),
  )
}

export async function documentRoute(app: FastifyInstance): Promise<void> {
  let written: string | undefined
  app.get('/openapi.json', { config: { caller: 'anybody' } }, (_request, reply) => {
    written ??= JSON.stringify(app.swagger())
    return reply.type('application/json; charset=utf-8').header('Cache-Control', 'no-cache').send(written)
  })
}
