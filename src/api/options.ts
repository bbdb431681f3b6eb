/** What the HTTP server and its routes are given. */
import type { FastifyPluginAsync } from 'fastify'
import type { Texts } from '../domain/texts/texts.ts'
import type { Database } from '../store/open.ts'
import type { ServerCaller } from './callers/callers.ts'
import type { JwtSettings } from './callers/jwt.ts'
import type { RateLimits } from './callers/limits.ts'
import type { ListenerOptions } from './http/listener.ts'
import type { Observers } from './http/observe.ts'
import type { Reason } from './vitals.ts'

export interface ApiOptions extends ListenerOptions, Observers, MetricsOptions {
  database: Database
  version: string
  startedAt: Date
  mode: 'sandbox' | 'expo'
  jwt: JwtSettings
  operatorKey: string
  /** What Supabase shows with its webhooks; without it there are none. */
  webhookSecret?: string
  texts: Texts
  ttlSeconds: number
  openTestPush: boolean
  /** How often one push token may change hands in a day; null: as often as it likes. */
  movesPerDay: number | null
  /** Whether work is taken from the queue; false while starting and stopping. */
  isWorking(): boolean
  mounts: Mount[]
  /** Where Expo is for this server, for people, as `exp.host:443`. */
  expoPlace?: string
  /** Notifications a second that Expo is given at most; 0: no limit. */
  rateLimit?: number
  /** Where the built console lies. */
  consoleDir?: string
  /** Finds whose key another backend shows, instead of the database: for tests. */
  findServer?: (key: string) => Promise<ServerCaller | undefined>
  /** Without them nothing is limited. */
  rateLimits?: RateLimits
  /** What makes the server degraded by its settings alone. */
  standing?: Reason[]
  /** Web pages that may call the routes of apps. */
  corsOrigins?: string[]
}

export interface MetricsOptions {
  metrics?: { scrape(): Promise<{ contentType: string; text: string }> } | undefined
}

/** A room of its own under a prefix, such as the sandbox. Its routes declare their callers as ours do. */
export interface Mount {
  prefix: string
  plugin: FastifyPluginAsync
}
