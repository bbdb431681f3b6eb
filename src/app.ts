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
import { mintJwt } from './api/callers/jwt.ts'
import type { Observers } from './api/http/observe.ts'
import type { ApiOptions, MetricsOptions, Mount } from './api/options.ts'
import { openServer } from './api/server.ts'
import type { Reason } from './api/vitals.ts'
import { openWorkerServer } from './api/worker.ts'
import { expoPlaceOf, isLoopback, receiptsUrlOf, urlOf } from './config/places.ts'
import type { Config } from './config.ts'
import { startDelivery } from './delivery/start.ts'
import type { DeliveryOptions } from './delivery/workplace.ts'
import { openGateway } from './expo/gateway.ts'
import { openForeground } from './foreground.ts'
import { inRequest, type Log, logFacts } from './log.ts'
import { openMetrics } from './metrics/metrics.ts'
import type { Clock, Emit, PushGateway } from './ports.ts'
import { sandboxPlugin } from './sandbox/plugin.ts'
import { type KeptSecrets, keptSecrets } from './secrets.ts'
import { DatabaseRefused, hintOfRefusal, isDatabaseAway } from './store/database/away.ts'
import { EncryptionFault, hintOfEncryption } from './store/database/encryption.ts'
import { isLeftBehind } from './store/move/left.ts'
import { type Database, openPglite, openPostgres } from './store/open.ts'
import type { OpenTracing } from './tracing.ts'

export const version: string = manifest.version

export interface App {
  /** Where it answers HTTP; undefined for a worker, which does not. */
  url: string | undefined
  secrets: KeptSecrets
  close(): Promise<void>
}

/** What is in flight at Expo may take its whole timeout; after that it is left to the next start. */
const DRAIN_MS = 32_000
/** For requests to this server that are being answered; delivery has stopped by then, so they have nothing left to wait for. */
const HTTP_DRAIN_MS = 2_000
const DATABASE_RETRY_MS = 2_000
/** A push token that changes hands more often in a day is being played with. */
const MOVES_PER_DAY = 5

export async function openApp(config: Config, log: Log, stop?: AbortSignal): Promise<App> {
  const startedAt = new Date()
  const { mode, role } = config.settings
  log.info({ version, started_at: startedAt.toISOString(), mode, role }, `Belfry ${version} starts`)
  await using opened = new AsyncDisposableStack()
  const metrics = openMetrics({ version, mode, role })
  const emit = toBoth(logFacts(log, expoPlaceOf(config.settings)), metrics.emit)
  const tracing = await tracingOf(config)
  opened.defer(async () => tracing?.close())

  const secrets = keptSecrets(config)
  const database = await openDatabase(config, emit, log, stop)
  opened.defer(() => database.close())
  const folder = config.settings.dataDir
  if (database.kind === 'postgres' && (await isLeftBehind(database.db, folder))) emit('database.left', { folder })
  metrics.watch(database, config.settings.rateLimit)

  let isWorking = false
  let url: string | undefined
  // The embedded database runs one statement at a time: gathering more into each would make whoever comes next wait longer.
  const foreground = role === 'all' && database.kind === 'postgres' ? openForeground(clock) : undefined
  const observers = { emit, metrics, inRequest, tracing, foreground, standing: standingReasons(config) }
  const parts = { database, secrets, log, startedAt, isWorking: () => isWorking, ...observers }
  if (role !== 'worker') {
    const api = await openApi(config, parts)
    opened.defer(() => closeServer(api))
    const { address, port } = api.server.address() as AddressInfo
    url = urlOf({ host: address, port })
  } else if (config.settings.workerPort !== undefined) {
    const server = await openForWorker(config, parts, config.settings.workerPort)
    opened.defer(() => closeServer(server))
  }
  if (role !== 'api') {
    const gateway = gatewayOf(config, url)
    opened.defer(() => gateway.close())
    const delivery = await startDelivery({
      ...database,
      gateway,
      clock,
      emit,
      tracing,
      foreground,
      options: deliveryOptions(config),
    })
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

type ApiParts = Pick<ApiOptions, 'database' | 'startedAt' | 'isWorking' | 'log' | 'standing'> &
  Observers &
  MetricsOptions & { secrets: KeptSecrets }

/** Listens before anything is sent: in sandbox mode, Expo is behind this very server. */
async function openApi(config: Config, { secrets, ...parts }: ApiParts): Promise<FastifyInstance> {
  const { settings } = config
  const api = await openServer({
    ...parts,
    version,
    mode: settings.mode,
    jwt: { ...settings.jwt, secret: secrets.jwtSecret },
    operatorKey: secrets.operatorKey,
    webhookSecret: config.secrets.supabaseWebhookSecret,
    texts: settings.texts,
    ttlSeconds: settings.ttlSeconds,
    openTestPush: settings.openTestPush,
    movesPerDay: settings.mode === 'sandbox' ? null : MOVES_PER_DAY,
    mounts: settings.mode === 'sandbox' ? [sandboxMount(config, secrets)] : [],
    expoPlace: expoPlaceOf(settings),
    rateLimit: settings.rateLimit,
    rateLimits: settings.rateLimits,
    trustProxy: settings.trustProxy,
    corsOrigins: settings.corsOrigins,
    consoleDir,
  })
  await api.listen({ port: settings.port, host: settings.host })
  return api
}

/** A worker has no API, but whoever watches over it may ask how it is. */
async function openForWorker(
  { settings }: Config,
  { secrets, ...parts }: ApiParts,
  port: number,
): Promise<FastifyInstance> {
  const { mode, rateLimits, trustProxy } = settings
  const server = await openWorkerServer({
    ...parts,
    version,
    mode,
    rateLimits,
    trustProxy,
    operatorKey: secrets.operatorKey,
  })
  await server.listen({ port, host: settings.host })
  return server
}

/** Nothing of it is loaded when there is no collector. */
async function tracingOf({ settings, secrets }: Config): Promise<OpenTracing | undefined> {
  if (settings.tracing === undefined) return undefined
  const { openTracing } = await import('./tracing.ts')
  return openTracing(settings.tracing, secrets.otlpHeaders ?? {}, version)
}

function toBoth(log: Emit, count: Emit): Emit {
  return (name, fact) => {
    log(name, fact)
    count(name, fact)
  }
}

/** What makes the server degraded by its settings alone. */
function standingReasons({ settings }: Config): Reason[] {
  const wrong: [boolean, Reason['code'], string][] = [
    [!settings.pushesEnabled, 'pushes_off', 'ENABLE_PUSH_NOTIFICATIONS is off: nothing is sent'],
    [
      settings.mode === 'sandbox' && !isLoopback(settings.host),
      'sandbox_open',
      'The sandbox is open to the network: no real phone rings',
    ],
    [
      settings.production && settings.openTestPush,
      'test_push_open',
      'OPEN_TEST_PUSH is on: anybody can write on the screens of users',
    ],
  ]
  return wrong.filter(([is]) => is).map(([, code, sentence]) => ({ code, sentence }))
}

function deliveryOptions({ settings }: Config): DeliveryOptions {
  const { rateLimit, maxConcurrentRequests, receiptDelayMs, pushesEnabled, expoTimeoutMs: timeoutMs } = settings
  return { rateLimit, maxConcurrentRequests, receiptDelayMs, pushesEnabled, timeoutMs }
}

/** A PostgreSQL that is not there yet is waited for, until `stop`; what is wrong with it otherwise stops the start. */
export async function openDatabase(config: Config, emit: Emit, log: Log, stop?: AbortSignal): Promise<Database> {
  const { settings, secrets } = config
  const schema = settings.databaseSchema
  const url = secrets.databaseUrl
  if (url === undefined) return openPglite({ dataDir: settings.dataDir, schema, template: preparedDatabase, emit })
  for (;;) {
    try {
      return await openPostgres({ url, schema, emit })
    } catch (error) {
      const hint = hintOfRefusal(error)
      if (hint !== undefined) throw new DatabaseRefused(error, hint)
      const change = hintOfEncryption(error)
      if (change !== undefined) throw new EncryptionFault(error, change)
      if (!isDatabaseAway(error) || stop?.aborted) throw error
      const { message } = error as Error
      log.warn({ error: message }, `The database does not answer; trying again every ${DATABASE_RETRY_MS / 1000} s`)
      await wait(DATABASE_RETRY_MS, undefined, { signal: stop })
    }
  }
}

/** Made after `npm ci`; without it the first start takes some seconds longer. */
const preparedDatabase = fileURLToPath(
  new URL(`../.cache/pglite-${manifest.dependencies['@electric-sql/pglite']}`, import.meta.url),
)

/** Built by `npm ci`; without it /console says how to build it. */
export const consoleDir = fileURLToPath(new URL('../console/dist', import.meta.url))

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

async function closeServer(api: FastifyInstance): Promise<void> {
  const deadline = setTimeout(() => api.server.closeAllConnections(), HTTP_DRAIN_MS)
  await api.close()
  clearTimeout(deadline)
}

const clock: Clock = {
  monotonic: () => performance.now(),
  wait: (ms, signal) => wait(ms, undefined, { signal }).catch(() => undefined),
}
