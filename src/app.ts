/**
 * The whole program, put together: the only place that picks adapters. It opens in order and closes in reverse; when
 * one part cannot open, those before it are closed.
 */
import { mkdirSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance } from 'fastify'
import manifest from '../package.json' with { type: 'json' }
import { mintJwt } from './api/jwt.ts'
import { type ApiOptions, type Mount, openServer } from './api/server.ts'
import { type Config, receiptsUrlOf } from './config.ts'
import { type DeliveryOptions, startDelivery } from './delivery/start.ts'
import { openGateway } from './expo/gateway.ts'
import { type Log, logFacts } from './log.ts'
import type { Clock, Emit, PushGateway } from './ports.ts'
import { sandboxPlugin } from './sandbox/plugin.ts'
import { type KeptSecrets, keptSecrets } from './secrets.ts'
import { isDatabaseAway } from './store/away.ts'
import { type Database, openPglite, openPostgres } from './store/open.ts'

export const version: string = manifest.version

export interface App {
  /** Where it answers HTTP; undefined for a worker, which does not. */
  url: string | undefined
  secrets: KeptSecrets
  close(): Promise<void>
}

/** What is in flight at Expo may take its whole timeout; after that it is left to the next start. */
const DRAIN_MS = 32_000
/** Requests in flight here; by then they have nothing left to wait for. */
const HTTP_DRAIN_MS = 2_000
const DATABASE_RETRY_MS = 2_000
/** A push token that changes hands more often in a day is being played with. */
const MOVES_PER_DAY = 5

export async function openApp(config: Config, log: Log, stop?: AbortSignal): Promise<App> {
  const startedAt = new Date()
  const { mode, role } = config.settings
  log.info({ version, started_at: startedAt.toISOString(), mode, role }, `Belfry ${version} starts`)
  const emit = logFacts(log)
  await using opened = new AsyncDisposableStack()

  const secrets = keptSecrets(config)
  const database = await openDatabase(config, emit, log, stop)
  opened.defer(() => database.close())

  let isWorking = false
  let url: string | undefined
  if (role !== 'worker') {
    const api = await openApi(config, { database, secrets, emit, log, startedAt, isWorking: () => isWorking })
    opened.defer(() => closeServer(api))
    url = urlOf(api)
  }
  if (role !== 'api') {
    const gateway = gatewayOf(config, url)
    opened.defer(() => gateway.close())
    const delivery = await startDelivery({ ...database, gateway, clock, emit, options: deliveryOptions(config) })
    opened.defer(() => delivery.close(DRAIN_MS))
  }
  isWorking = true
  opened.defer(() => {
    isWorking = false
  })

  const all = opened.move()
  let closing: Promise<void> | undefined
  return { url, secrets, close: () => (closing ??= all.disposeAsync()) }
}

type ApiParts = Pick<ApiOptions, 'database' | 'emit' | 'startedAt' | 'isWorking'> & { secrets: KeptSecrets; log: Log }

/** Listens before anything is sent: in sandbox mode, Expo is behind this very server. */
async function openApi(config: Config, { secrets, ...parts }: ApiParts): Promise<FastifyInstance> {
  const { settings } = config
  const api = await openServer({
    ...parts,
    version,
    mode: settings.mode,
    jwt: { ...settings.jwt, secret: secrets.jwtSecret },
    operatorKey: secrets.operatorKey,
    texts: settings.texts,
    ttlSeconds: settings.ttlSeconds,
    openTestPush: settings.openTestPush,
    movesPerDay: settings.mode === 'sandbox' ? null : MOVES_PER_DAY,
    mounts: settings.mode === 'sandbox' ? [sandboxMount(config, secrets)] : [],
    rateLimit: settings.rateLimit,
    consoleDir,
  })
  await api.listen({ port: settings.port, host: settings.host })
  return api
}

function deliveryOptions({ settings }: Config): DeliveryOptions {
  const { rateLimit, maxConcurrentRequests, receiptDelayMs, pushesEnabled, expoTimeoutMs: timeoutMs } = settings
  return { rateLimit, maxConcurrentRequests, receiptDelayMs, pushesEnabled, timeoutMs }
}

/** A PostgreSQL that is not there yet is waited for; what is wrong with it otherwise stops the start. */
export async function openDatabase(config: Config, emit: Emit, log: Log, stop?: AbortSignal): Promise<Database> {
  const { settings, secrets } = config
  const schema = settings.databaseSchema
  const url = secrets.databaseUrl
  if (url === undefined) return openPglite({ dataDir: settings.dataDir, schema, template: preparedDatabase, emit })
  for (;;) {
    try {
      return await openPostgres({ url, schema, emit })
    } catch (error) {
      if (!isDatabaseAway(error) || stop?.aborted) throw error
      log.warn({ err: error }, `The database does not answer; trying again every ${DATABASE_RETRY_MS / 1000} s`)
      await wait(DATABASE_RETRY_MS, undefined, { signal: stop })
    }
  }
}

/** Made after `npm ci`; without it the first start takes some seconds longer. */
const preparedDatabase = fileURLToPath(
  new URL(`../.cache/pglite-${manifest.dependencies['@electric-sql/pglite']}`, import.meta.url),
)

/** Built by `npm ci`; without it /console says how to build it. */
const consoleDir = fileURLToPath(new URL('../console/dist', import.meta.url))

/** The sandbox makes bearer tokens for its phones only where the secret is our own, never with a configured one. */
function sandboxMount(config: Config, { jwtSecret }: KeptSecrets): Mount {
  const { settings, secrets } = config
  const mayMint = jwtSecret !== undefined && secrets.jwtSecret === undefined
  const jwt = { ...settings.jwt, secret: jwtSecret }
  mkdirSync(settings.dataDir, { recursive: true, mode: 0o700 })
  return {
    prefix: '/sandbox',
    plugin: async (app) =>
      sandboxPlugin(app, {
        receiptDelayMs: Math.floor(settings.receiptDelayMs / 2),
        ratePerSecond: settings.rateLimit,
        stateFile: join(settings.dataDir, 'sandbox.json'),
        ...(mayMint && { mintToken: (id, name) => mintJwt(jwt, { id, name: name ?? null }, SANDBOX_TOKEN_SECONDS) }),
      }),
  }
}

const SANDBOX_TOKEN_SECONDS = 86_400

/** In sandbox mode we are our own Expo. */
function gatewayOf({ settings, secrets }: Config, url: string | undefined): PushGateway {
  const isSandbox = settings.mode === 'sandbox' && url !== undefined
  const sendUrl = isSandbox ? `${url}/sandbox/--/api/v2/push/send` : settings.expo.sendUrl
  return openGateway({
    sendUrl,
    receiptsUrl: receiptsUrlOf(sendUrl),
    accessToken: isSandbox ? undefined : secrets.expoAccessToken,
    maxConcurrentRequests: settings.maxConcurrentRequests,
    timeoutMs: settings.expoTimeoutMs,
    userAgent: `belfry/${version}`,
  })
}

/** Where it can be reached from this machine; listening on every address is not an address. */
function urlOf(api: FastifyInstance): string {
  const { address, family, port } = api.server.address() as AddressInfo
  const isEverywhere = address === '0.0.0.0' || address === '::'
  if (isEverywhere) return `http://127.0.0.1:${port}`
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}

async function closeServer(api: FastifyInstance): Promise<void> {
  const deadline = setTimeout(() => api.server.closeAllConnections(), HTTP_DRAIN_MS)
  await api.close()
  clearTimeout(deadline)
}

const clock: Clock = {
  monotonic: () => performance.now(),
  wait: (ms, signal) => wait(ms, undefined, { signal }).catch(() => undefined),
}
