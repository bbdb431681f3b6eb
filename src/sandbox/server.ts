/** The sandbox alone: Expo's endpoints where Expo has them, and the page, both also below /sandbox. */
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import { sandboxRoutes } from './plugin.ts'
import { createSandbox, type SandboxOptions } from './sandbox.ts'

export interface StandaloneOptions extends Partial<SandboxOptions> {
  port: number
  host: string
}

export async function startSandbox(options: StandaloneOptions): Promise<{ url: string; close(): Promise<void> }> {
  const { port, host, ...rest } = options
  const sandbox = createSandbox({ receiptDelayMs: 5000, ratePerSecond: 600, belfryBaseUrl: null, ...rest })
  const app = Fastify({ routerOptions: { maxParamLength: 512 }, forceCloseConnections: true })
  app.addHook('preClose', () => sandbox.close())
  await app.register((scope) => sandboxRoutes(scope, sandbox), { prefix: '/sandbox' })
  await app.register((scope) => sandboxRoutes(scope, sandbox))
  await app.listen({ port, host })
  const address = app.server.address() as AddressInfo
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return { url: `http://${name}:${address.port}`, close: () => app.close() }
}
