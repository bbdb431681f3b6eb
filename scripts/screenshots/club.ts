/**
 * A running club's app that has used Belfry for a while. Everything goes through the real server and its sandbox; only
 * the crowd is put straight into the database, and what is over is moved back in time there.
 */
import { rmSync } from 'node:fs'
import { freePort, until } from '../../test/kit/guard.ts'
import { openPostgres, query } from '../../test/kit/postgres.ts'
import { OPERATOR_KEY, type Server, startServer, temporaryFolder } from '../../test/kit/server.ts'

export interface Notification {
  state: string
  final: boolean
  estimated: number
  totals: { targeted: number; pending: number; accepted: number; awaiting_receipt: number }
}

export interface Club {
  url: string
  sql(text: string, values?: unknown[]): Promise<unknown[]>
  /** Any call, as the operator, or with another token. */
  call<Body = Record<string, string>>(method: string, path: string, json?: object, token?: string): Promise<Body>
  /** A member's own bearer token. */
  tokenOf(user: string, name: string): Promise<string>
  send(notification: object, token?: string): Promise<string>
  look(id: string): Promise<Notification>
  /** From here on at Expo's own pace, and with receipts that take their time. */
  startAnew(): Promise<void>
  close(): Promise<void>
}

/** In no hurry and without a limit at first, so that weeks of history are there in seconds. */
const fast = { EXPO_RATE_LIMIT: '0', RECEIPT_DELAY_MS: '400' }

export async function openClub(): Promise<Club> {
  const folder = temporaryFolder()
  const postgres = await openPostgres(18)
  const databaseUrl = await postgres.createDatabase()
  const port = await freePort()
  // Without a secret of ours the sandbox makes bearer tokens.
  const start = (env: Record<string, string>) =>
    startServer({ folder, port, env: { DATABASE_URL: databaseUrl, JWT_SECRET: undefined, ...env } })
  let server: Server = await start(fast)
  const club: Club = {
    url: server.url,
    sql: (text, values) => query(databaseUrl, text, values),
    async call<Body>(method: string, path: string, json?: object, token = OPERATOR_KEY) {
      const response = await fetch(club.url + path, {
        method,
        headers: { authorization: `Bearer ${token}`, ...(json && { 'content-type': 'application/json' }) },
        ...(json && { body: JSON.stringify(json) }),
      })
      if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`)
      return (await response.json()) as Body
    },
    tokenOf: async (user, name) =>
      (await club.call('GET', `/sandbox/api/token?${new URLSearchParams({ user, name }).toString()}`)).token!,
    send: async (notification, token) =>
      (await club.call('POST', '/api/notifications', notification, token)).notification_id!,
    look: async (id) =>
      (await club.call<{ notification: Notification }>('GET', `/api/notifications/${id}`)).notification,
    async startAnew() {
      await server.stop()
      server = await start({})
    },
    async close() {
      await server.stop()
      await postgres.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return club
}

/** Sent, settled with all its receipts, and then as long ago as it says. */
export async function sentLongAgo(club: Club, hours: number, notification: object, token?: string): Promise<string> {
  const id = await club.send(notification, token)
  await until('its receipts', async () => (await club.look(id)).final)
  await moveBack(club, id, hours)
  return id
}

export async function moveBack(club: Club, id: string, hours: number): Promise<void> {
  const moved = (table: string, where: string, columns: string[]) =>
    club.sql(
      `update belfry.${table} set ${columns.map((column) => `${column} = ${column} - make_interval(mins => $2)`).join(', ')}
       where ${where}`,
      [id, Math.round(hours * 60)],
    )
  await moved('notifications', 'id = $1', ['created_at', 'expires_at', 'finished_at'])
  await moved('deliveries', 'notification_id = $1', ['sent_at', 'settled_at'])
  await moved('refusals', 'notification_id = $1', ['at'])
  await moved('audit', "subject = 'notification:' || $1::text", ['at'])
}
