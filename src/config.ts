/**
 * Everything that can be set, read once and checked once. All faults come in one message, before anything opens.
 * Nothing else reads the environment. Secrets travel apart from the other settings.
 */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import { contradictions, MIN_OPERATOR_KEY_LENGTH } from './config/contradictions.ts'
import { doubts } from './config/doubts.ts'
import { changedAt, readEnvFile, withoutEmpty } from './config/env-file.ts'
import { ConfigFault } from './config/fault.ts'
import { isLoopback, receiptsUrlOf, urlOf } from './config/places.ts'
import { headers, samplers, share, type TracingSettings, tracingSettings } from './config/tracing.ts'
import {
  claim,
  claims,
  flag,
  host,
  httpUrl,
  number,
  oneOf,
  origins,
  plain,
  postgresUrl,
  proxies,
  secret,
  words,
} from './config/values.ts'
import { whyNotJson } from './domain/not-json.ts'
import { defaultTexts, type Texts } from './domain/texts/texts.ts'
import { readTexts } from './domain/texts/texts-file.ts'

export interface Settings {
  production: boolean
  host: string
  port: number
  dataDir: string
  databaseSchema: string
  mode: 'sandbox' | 'expo'
  /** Where Expo is; in sandbox mode the server itself knows, once it listens. */
  expo: { sendUrl: string; receiptsUrl: string }
  pushesEnabled: boolean
  rateLimit: number
  maxConcurrentRequests: number
  expoTimeoutMs: number
  receiptDelayMs: number
  ttlSeconds: number
  texts: Texts
  jwt: {
    jwksUrl?: string
    issuer?: string
    audience?: string[]
    audienceClaim: string
    userClaim: string
    nameClaims: string[]
  }
  openTestPush: boolean
  corsOrigins: string[]
  /** Requests a minute; 0: no limit. */
  rateLimits: { perUser: number; perKey: number; perAddress: number }
  trustProxy: number | string[]
  role: Role
  /** Where a worker answers whether it is well; undefined: nowhere. */
  workerPort?: number
  /** Undefined: no traces. */
  tracing?: TracingSettings
  logLevel: LogLevel
}

export interface Secrets {
  databaseUrl?: string
  expoAccessToken?: string
  jwtSecret?: string
  operatorKey?: string
  supabaseWebhookSecret?: string
  /** What the collector of traces is sent with each request. */
  otlpHeaders?: Record<string, string>
}

export interface Config {
  settings: Settings
  secrets: Secrets
  /** What fits and was hardly meant, such as names that nobody knows: a sentence for each. */
  doubts: string[]
}

export { ConfigFault } from './config/fault.ts'

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

const roles = ['all', 'api', 'worker'] as const
/** `api` answers HTTP, `worker` sends; several of each share one PostgreSQL. */
export type Role = (typeof roles)[number]

const EXPO_PUSH_URL = 'https://exp.host/--/api/v2/push/send'
/** Shorter ones can be guessed. RFC 7518 asks for 32 bytes with HS256. */
const MIN_JWT_SECRET_BYTES = 32
/** Expo keeps receipts for a day; Apple and Google keep notifications for four weeks. */
const MAX_RECEIPT_DELAY_MS = 23 * 3_600_000
const MAX_TTL_SECONDS = 28 * 86_400

const schema = z.object({
  NODE_ENV: plain().optional(),
  PORT: number(0, 65_535).default(8787),
  HOST: host().default('127.0.0.1'),
  DATABASE_URL: postgresUrl().optional(),
  DATABASE_SCHEMA: plain(
    /^(?!pg_)[a-z_][a-z0-9_]{0,43}$/,
    'lower-case letters, digits and _, at most 44, not beginning with a digit or "pg_"',
  ).default('belfry'),
  DATA_DIR: plain().default('./data'),
  EXPO_PUSH_URL: httpUrl(/\/send$/, 'a path that ends in /send, so that its sibling getReceipts is known').optional(),
  EXPO_ACCESS_TOKEN: secret(1).optional(),
  ENABLE_PUSH_NOTIFICATIONS: flag().default(true),
  EXPO_RATE_LIMIT: number(0, 1_000_000).default(600),
  EXPO_MAX_CONCURRENT_REQUESTS: number(1, 100).default(6),
  EXPO_TIMEOUT_MS: number(100, 300_000).default(30_000),
  RECEIPT_DELAY_MS: number(0, MAX_RECEIPT_DELAY_MS).optional(),
  NOTIFICATION_TTL_SECONDS: number(1, MAX_TTL_SECONDS).default(86_400),
  APP_NAME: plain(/^.{1,60}$/u, '1 to 60 characters').default('Belfry'),
  TEXTS_FILE: plain().optional(),
  JWT_SECRET: secret(MIN_JWT_SECRET_BYTES, /^/).optional(),
  JWKS_URL: httpUrl().optional(),
  JWT_ISSUER: plain().optional(),
  JWT_AUDIENCE: words().optional(),
  JWT_AUDIENCE_CLAIM: claim().default('aud'),
  JWT_USER_CLAIM: claim().default('sub'),
  JWT_NAME_CLAIM: claims().default([
    'username',
    'preferred_username',
    'name',
    'user_metadata.full_name',
    'user_metadata.name',
  ]),
  OPERATOR_KEY: secret(MIN_OPERATOR_KEY_LENGTH).optional(),
  SUPABASE_WEBHOOK_SECRET: secret(MIN_OPERATOR_KEY_LENGTH).optional(),
  OPEN_TEST_PUSH: flag().optional(),
  CORS_ORIGINS: origins().optional(),
  RATE_LIMIT_PER_USER: number(0, 100_000_000).default(60_000),
  RATE_LIMIT_PER_KEY: number(0, 100_000_000).default(600_000),
  RATE_LIMIT_PER_ADDRESS: number(0, 100_000_000).default(6_000),
  TRUST_PROXY: proxies().default(0),
  ROLE: oneOf(roles).default('all'),
  WORKER_PORT: number(0, 65_535).optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl().optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: httpUrl().optional(),
  OTEL_EXPORTER_OTLP_HEADERS: headers().optional(),
  OTEL_SERVICE_NAME: plain(/^.{1,100}$/u, '1 to 100 characters').default('belfry'),
  OTEL_TRACES_SAMPLER: oneOf(samplers).default('parentbased_always_on'),
  OTEL_TRACES_SAMPLER_ARG: share().default(1),
  LOG_LEVEL: oneOf(logLevels).default('info'),
})
type Values = z.output<typeof schema>

/**
 * The environment, and what `.env` in the working directory adds to it.
 * @param said what the command line says, which goes before both.
 */
export function readConfig(
  env: NodeJS.ProcessEnv = process.env,
  directory = process.cwd(),
  said: { ROLE?: Role } = {},
): Config {
  const file = readEnvFile(resolve(directory, '.env'))
  const environment = withoutEmpty(env)
  const set = { ...file, ...environment, ...said }
  const parsed = schema.safeParse(withoutEmpty(set))
  const faults = [...(parsed.error?.issues ?? []).map(describe), ...contradictions(withoutEmpty(set))]
  const doubtful = doubts({ file, environment, known: [...Object.keys(schema.shape), ...FOR_COMMANDS] })
  if (!parsed.success) throw new ConfigFault(faults, doubtful)
  const values = parsed.data
  const texts = readTextsFile(values, directory, faults)
  if (faults.length > 0) throw new ConfigFault(faults, doubtful)
  return { settings: settingsOf(values, texts, directory), secrets: secretsOf(values), doubts: doubtful }
}

/** What `readRemote` reads beside the settings. */
const FOR_COMMANDS = ['BELFRY_URL', 'BELFRY_KEY']

/** Where the commands find the running server, and the key that they show it. */
export interface Remote {
  url: string
  key: string | undefined
  /** The setting or the file that it is from. */
  keyFrom: string
  /** Where the server keeps the key that it made for itself. */
  keyFile: string
  /** Found by HOST and PORT: most likely with the settings of this folder. */
  isHere: boolean
  /** When `.env` was last written. */
  settingsChangedAt: Date | undefined
}

/** Only what a command needs: the machine that it runs on may have no other setting. */
export function readRemote(env: NodeJS.ProcessEnv = process.env, directory = process.cwd()): Remote {
  const set = withoutEmpty({ ...readEnvFile(resolve(directory, '.env')), ...withoutEmpty(env) })
  const { HOST: host = '127.0.0.1', PORT: port = '8787', BELFRY_URL, BELFRY_KEY, OPERATOR_KEY } = set
  const keyFile = resolve(directory, set.DATA_DIR ?? './data', 'operator-key')
  const url = BELFRY_URL ?? urlOf({ host, port })
  if (!/^https?:$/.test(URL.canParse(url) ? new URL(url).protocol : ''))
    throw new ConfigFault([
      BELFRY_URL === undefined
        ? `HOST, PORT: ${url} is not a URL`
        : 'BELFRY_URL: not a URL; expected http:// or https://',
    ])
  return {
    url: url.replace(/\/+$/, ''),
    key: BELFRY_KEY ?? OPERATOR_KEY,
    keyFrom: BELFRY_KEY !== undefined ? 'BELFRY_KEY' : OPERATOR_KEY !== undefined ? 'OPERATOR_KEY' : keyFile,
    keyFile,
    isHere: BELFRY_URL === undefined,
    settingsChangedAt: changedAt(resolve(directory, '.env')),
  }
}

function settingsOf(values: Values, texts: Texts, directory: string): Settings {
  const production = values.NODE_ENV === 'production'
  const mode = values.EXPO_PUSH_URL === undefined && !production ? 'sandbox' : 'expo'
  const sendUrl = values.EXPO_PUSH_URL ?? EXPO_PUSH_URL
  return {
    production,
    mode,
    texts,
    host: values.HOST,
    port: values.PORT,
    dataDir: resolve(directory, values.DATA_DIR),
    databaseSchema: values.DATABASE_SCHEMA,
    expo: { sendUrl, receiptsUrl: receiptsUrlOf(sendUrl) },
    pushesEnabled: values.ENABLE_PUSH_NOTIFICATIONS,
    rateLimit: values.EXPO_RATE_LIMIT,
    maxConcurrentRequests: values.EXPO_MAX_CONCURRENT_REQUESTS,
    expoTimeoutMs: values.EXPO_TIMEOUT_MS,
    receiptDelayMs: values.RECEIPT_DELAY_MS ?? (mode === 'sandbox' ? 5_000 : 900_000),
    ttlSeconds: values.NOTIFICATION_TTL_SECONDS,
    jwt: {
      jwksUrl: values.JWKS_URL,
      issuer: values.JWT_ISSUER,
      audience: values.JWT_AUDIENCE,
      audienceClaim: values.JWT_AUDIENCE_CLAIM,
      userClaim: values.JWT_USER_CLAIM,
      nameClaims: values.JWT_NAME_CLAIM,
    },
    corsOrigins: values.CORS_ORIGINS ?? [],
    rateLimits: {
      perUser: values.RATE_LIMIT_PER_USER,
      perKey: values.RATE_LIMIT_PER_KEY,
      perAddress: values.RATE_LIMIT_PER_ADDRESS,
    },
    trustProxy: values.TRUST_PROXY,
    openTestPush: values.OPEN_TEST_PUSH ?? (mode === 'sandbox' && isLoopback(values.HOST)),
    role: values.ROLE,
    workerPort: values.WORKER_PORT,
    tracing: tracingSettings(values),
    logLevel: values.LOG_LEVEL,
  }
}

function secretsOf(values: Values): Secrets {
  return {
    databaseUrl: values.DATABASE_URL,
    expoAccessToken: values.EXPO_ACCESS_TOKEN,
    jwtSecret: values.JWT_SECRET,
    operatorKey: values.OPERATOR_KEY,
    supabaseWebhookSecret: values.SUPABASE_WEBHOOK_SECRET,
    otlpHeaders: values.OTEL_EXPORTER_OTLP_HEADERS,
  }
}

function readTextsFile(values: Values, directory: string, faults: string[]): Texts {
  if (values.TEXTS_FILE === undefined) return defaultTexts(values.APP_NAME)
  let text = ''
  try {
    text = readFileSync(resolve(directory, values.TEXTS_FILE), 'utf8')
    const json: unknown = JSON.parse(text)
    const read = readTexts(json, values.APP_NAME)
    faults.push(...read.faults.map((fault) => `TEXTS_FILE: ${fault}`))
    return read.texts
  } catch (error) {
    const why = error instanceof SyntaxError ? `is not JSON, ${whyNotJson(text)}` : 'cannot be read'
    faults.push(`TEXTS_FILE: ${values.TEXTS_FILE} ${why}; expected a JSON file with texts by locale`)
    return defaultTexts(values.APP_NAME)
  }
}

function describe(issue: z.core.$ZodIssue): string {
  return `${String(issue.path[0])}: ${issue.message}`
}
