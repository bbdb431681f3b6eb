/** `/docs`: the document for people, by Swagger UI's own files. Nothing of it runs inline, nothing comes from elsewhere. */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import { Fault } from '../http/faults.ts'

const folder = join(dirname(fileURLToPath(import.meta.resolve('@fastify/swagger-ui'))), 'static')
const files = new Set([
  'swagger-ui.css',
  'index.css',
  'swagger-ui-bundle.js',
  'swagger-ui-standalone-preset.js',
  'favicon-16x16.png',
  'favicon-32x32.png',
])

const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Belfry API</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css">
    <link rel="stylesheet" href="/docs/index.css">
    <link rel="icon" type="image/png" href="/docs/favicon-32x32.png" sizes="32x32">
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/swagger-ui-standalone-preset.js"></script>
    <script src="/docs/begin.js"></script>
  </body>
</html>
`

/** The validator's badge would tell a stranger which servers there are. */
const begin = `SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
  layout: 'BaseLayout',
})
`

export async function pageRoutes(app: FastifyInstance): Promise<void> {
  const config = { caller: 'anybody' } as const
  await app.register(fastifyStatic, { root: folder, serve: false })
  app.get('/docs', { config }, (_request, reply) => reply.type('text/html; charset=utf-8').send(page))
  app.get('/docs/:file', { config }, (request, reply) => {
    const { file } = request.params as { file: string }
    if (file === 'begin.js') return reply.type('text/javascript; charset=utf-8').send(begin)
    if (!files.has(file)) throw new Fault('not_found')
    return reply.sendFile(file, { maxAge: '1d' })
  })
}
