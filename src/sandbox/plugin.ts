/** The sandbox as part of a server: Expo's endpoints, the page and the control API below one prefix. */
import type { FastifyInstance } from 'fastify'
import { pageRoutes } from './assets.ts'
import { controlRoutes } from './control.ts'
import { expoRoutes } from './expo/routes.ts'
import { createSandbox, type Sandbox, type SandboxOptions } from './sandbox.ts'

export type { SandboxOptions } from './sandbox.ts'

export async function sandboxPlugin(app: FastifyInstance, options: SandboxOptions): Promise<void> {
  const sandbox = createSandbox(options)
  app.addHook('preClose', () => sandbox.close())
  await sandboxRoutes(app, sandbox)
}

export async function sandboxRoutes(app: FastifyInstance, sandbox: Sandbox): Promise<void> {
  const { service, faults } = sandbox
  await app.register(expoRoutes, { prefix: '/--/api/v2', service, faults })
  await app.register(controlRoutes, { prefix: '/api', sandbox })
  await app.register(pageRoutes, { sandbox, base: app.prefix })
}
