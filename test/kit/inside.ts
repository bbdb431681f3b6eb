/** Store and delivery in the test's own process, on a real database, with a gateway that answers as the test says. */

import { randomUUIDv7 } from 'node:crypto'
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { TestClock } from 'pg-boss'
import { afterEach } from 'vitest'
import { startDelivery } from '../../src/delivery/start.ts'
import type { DeliveryOptions } from '../../src/delivery/workplace.ts'
import type { Receipt } from '../../src/domain/answers/verdict.ts'
import type { ExpoMessage } from '../../src/domain/messages/expo-message.ts'
import type { Clock, Facts, Foreground, PushGateway, ReceiptsAnswer, SendAnswer } from '../../src/ports.ts'
import type { Db } from '../../src/store/database/db.ts'
import { insertNotification, type NewNotification } from '../../src/store/notifications/notifications.ts'
import { type Database, openPglite, openPostgres } from '../../src/store/open.ts'
import { ensureUser } from '../../src/store/people/users.ts'
import { registerPushToken } from '../../src/store/tokens/push-tokens.ts'
import { emptyPglite, sharedPostgres } from './global-setup.ts'
import { until } from './guard.ts'
import { temporaryFolder } from './server.ts'

export type Kind = 'PGlite' | 'PostgreSQL 18' | 'PostgreSQL 14'
export const KINDS = ['PGlite', 'PostgreSQL 18', 'PostgreSQL 14'] as const

export interface Told {
  name: keyof Facts
  fact: Facts[keyof Facts]
}

export interface Opened extends Database {
  facts: Told[]
  /** Where it is, to open it again. */
  dataDir: string | undefined
  url: string | undefined
}

const toClose: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of toClose.splice(0).toReversed()) await close()
})

export async function openDatabase(kind: Kind, options: { clock?: TestClock; url?: string } = {}): Promise<Opened> {
  const facts: Told[] = []
  const emit = <Name extends keyof Facts>(name: Name, fact: Facts[Name]): void => void facts.push({ name, fact })
  const common = { schema: 'belfry', emit, ...(options.clock ? { clock: options.clock } : {}) }
  if (kind !== 'PGlite') {
    const server = await sharedPostgres(kind === 'PostgreSQL 14' ? 14 : 18)
    // A session that has this setting reads the test's clock, ours as well as the queue's.
    const clocked = options.clock ? '?options=-c%20pgboss.test_clock%3Don' : ''
    const url = options.url ?? (await server.createDatabase()) + clocked
    const database = await openPostgres({ url, ...common })
    toClose.push(() => database.close())
    return { ...database, facts, url, dataDir: undefined }
  }
  const folder = temporaryFolder()
  const dataDir = join(folder, 'data')
  cpSync(await emptyPglite(), join(dataDir, 'pgdata'), { recursive: true })
  const database = await openPglite({ dataDir, ...common })
  toClose.push(async () => {
    await database.close()
    rmSync(folder, { recursive: true, force: true })
  })
  return { ...database, facts, dataDir, url: undefined }
}

export const systemClock: Clock = {
  monotonic: () => performance.now(),
  wait: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const timer = setTimeout(resolve, ms)
      signal?.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
    }),
}

/** Expo, as the test says. */
export interface Script {
  send?: (messages: ExpoMessage[], call: number) => SendAnswer | Promise<SendAnswer>
  receipt?: (ticketId: string) => Receipt | undefined
  /** What it says to a whole call for receipts, when it says something else. */
  receipts?: (ticketIds: string[]) => ReceiptsAnswer | undefined
}

export interface Delivered {
  token: string
  message: ExpoMessage
}

export interface Running extends Opened {
  /** Every recipient of every request, refused and unanswered ones included. */
  sent: Delivered[]
  requests: ExpoMessage[][]
  stop(deadlineMs?: number): Promise<void>
  notify(n: Partial<NewNotification> & Pick<NewNotification, 'audience'>): Promise<string>
  device(userId: string, device?: { token?: string; deviceType?: 'ios' | 'android'; project?: string }): Promise<string>
  drain(timeoutMs?: number): Promise<void>
}

export const allOk = (messages: ExpoMessage[]): SendAnswer => ({
  kind: 'tickets',
  tickets: messages.flatMap((message) =>
    message.to.map((token) => ({ status: 'ok' as const, id: `ticket of ${token}` })),
  ),
})

export async function openRunning(
  kind: Kind,
  script: Script = {},
  options: Partial<DeliveryOptions> & {
    clock?: TestClock
    /** What this process measures with; the system's unless given. */
    watch?: Clock
    database?: Opened
    foreground?: Foreground
  } = {},
): Promise<Running> {
  const database = options.database ?? (await openDatabase(kind, options))
  const sent: Delivered[] = []
  const requests: ExpoMessage[][] = []
  const gateway: PushGateway = {
    async send(messages) {
      requests.push(messages)
      for (const message of messages) for (const token of message.to) sent.push({ token, message })
      return (script.send ?? allOk)(messages, requests.length)
    },
    receipts: async (ids) =>
      script.receipts?.(ids) ?? {
        kind: 'receipts',
        receipts: new Map(
          ids.flatMap((id) => {
            const receipt = script.receipt ? script.receipt(id) : ({ status: 'ok' } as const)
            return receipt ? [[id, receipt] as const] : []
          }),
        ),
      },
    close: async () => undefined,
  }
  const { db, queue, facts } = database
  const delivery = await startDelivery({
    db,
    queue,
    gateway,
    clock: options.watch ?? systemClock,
    foreground: options.foreground,
    emit: (name, fact) => void facts.push({ name, fact }),
    options: {
      rateLimit: 0,
      maxConcurrentRequests: 6,
      timeoutMs: 5_000,
      receiptDelayMs: 900_000,
      pushesEnabled: true,
      ...options,
    },
  })
  toClose.push(() => delivery.close(5_000))
  return {
    ...database,
    sent,
    requests,
    stop: (deadlineMs = 5_000) => delivery.close(deadlineMs),
    notify: (n) => notify(db, n),
    device: (userId, device = {}) => registerDevice(db, userId, device),
    drain: async (timeoutMs = 120_000) =>
      void (await until('empty books', () => isDrained(db), { timeoutMs, everyMs: 20 })),
  }
}

async function notify(db: Db, n: Partial<NewNotification> & Pick<NewNotification, 'audience'>): Promise<string> {
  const id = randomUUIDv7()
  const whole: NewNotification = {
    id,
    kind: 'notify',
    lane: 'users' in n.audience ? 'direct' : 'broadcast',
    content: { title: 'Hello', body: 'World', data: { notification_id: id } },
    createdBy: null,
    ttlSeconds: 3_600,
    ...n,
  }
  await db.transaction((tx) => insertNotification(tx, whole))
  return id
}

let devices = 0

export async function registerDevice(
  db: Db,
  userId: string,
  {
    token = `ExponentPushToken[device-${++devices}]`,
    deviceType = 'ios',
    project,
  }: { token?: string; deviceType?: 'ios' | 'android'; project?: string } = {},
): Promise<string> {
  await ensureUser(db, { id: userId, name: null })
  await registerPushToken(db, { userId, token, deviceType, movesPerDay: null, ...(project ? { project } : {}) })
  return token
}

async function isDrained(db: Db): Promise<boolean> {
  const moving = await db.kysely
    .selectFrom('notifications')
    .select('id')
    .where('state', 'in', ['queued', 'sending'])
    .executeTakeFirst()
  const open = await db.kysely.selectFrom('deliveries').select('id').where('state', '<', 2).executeTakeFirst()
  return moving === undefined && open === undefined
}
