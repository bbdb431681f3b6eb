/** Starts the fake Expo (fake-expo/main.ts) as a process of its own and asks for its truth. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Columns, NotificationTruth } from './fake-expo/ledger.ts'
import type { FaultName, Plan } from './fake-expo/plan.ts'
import type { Message } from './fake-expo/validate.ts'
import { until } from './guard.ts'

export type { FaultName, Plan } from './fake-expo/plan.ts'

export interface Report {
  seed: number
  requests: number
  /** Pushes taken, repeats included. */
  accepted: number
  refused: Record<string, number>
  notifications: Record<string, NotificationTruth>
  sizes: Record<string, number>
  statuses: Record<string, number>
  /** Most notifications in any 1,000 ms, as received; a strict Expo takes no more than its limit. */
  maxPerSecond: number
  /** The same, with those that were too many. */
  maxAskedPerSecond: number
  maxInFlight: number
  faults: Partial<Record<FaultName, number>>
  /** Requests whose sender could not know what came of them. */
  ambiguous: number
  maxAmbiguousPerDevice: number
  receiptRequests: number
  receiptsAsked: number
  ticketsNeverAsked: number
  maxReceiptIds: number
  /** Things that no correct sender does. */
  violations: string[]
}

export interface FakeExpo {
  /** For EXPO_PUSH_URL. */
  sendUrl: string
  pid: number
  /** Changes the plan; the ledger stays. */
  plan(wish: Partial<Plan>): Promise<void>
  /** An empty ledger, and this plan. */
  reset(wish?: Partial<Plan>): Promise<void>
  report(): Promise<Report>
  /** The cheap part of the report, for those who wait. */
  pulse(): Promise<{ requests: number; inFlight: number; accepted: number }>
  /** Waits until so many pushes were taken in all; answers the report. */
  untilTaken(count: number, options?: { timeoutMs?: number }): Promise<Report>
  /** How often each device got this notification. */
  counts(notificationId: string): Promise<Record<string, number>>
  /** What one device got, oldest first. */
  pushes(token: string): Promise<{ at: number; message: Omit<Message, 'to'> }[]>
  refused(): Promise<{ token: string; notification: string; code: string; at: number }[]>
  /** How often the receipts of each device were asked for. */
  receipts(notificationId?: string): Promise<Record<string, number>>
  /** The whole truth. */
  ledger(): Promise<Columns>
  close(): Promise<void>
}

export async function startFakeExpo(wish: Partial<Plan> = {}, port = 0): Promise<FakeExpo> {
  const main = join(import.meta.dirname, 'fake-expo', 'main.ts')
  const child = spawn(process.execPath, [main, String(port)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise<void>((done) => child.once('exit', () => done()))
  const taken = await new Promise<number>((done, fail) => {
    child.stdout.once('data', (line: Buffer) => done(Number(/on (\d+)/.exec(line.toString())?.[1])))
    child.once('exit', (code) => fail(new Error(`the fake Expo ended with ${code}`)))
  })
  const base = `http://127.0.0.1:${taken}`
  async function ask<T>(what: string, body?: object): Promise<T> {
    const response = await fetch(`${base}/control/${what}`, {
      method: 'POST',
      body: body ? JSON.stringify(body) : null,
    })
    return (await response.json()) as T
  }
  if (Object.keys(wish).length > 0) await ask('reset', wish)
  return {
    sendUrl: `${base}/--/api/v2/push/send`,
    pid: child.pid!,
    plan: (more) => ask('plan', more),
    reset: (more = {}) => ask('reset', more),
    report: () => ask('report'),
    pulse: () => ask('pulse'),
    async untilTaken(count, options) {
      const enough = async () => (await ask<{ accepted: number }>('pulse')).accepted >= count
      await until(`${count} pushes at the fake Expo`, enough, options)
      return ask('report')
    },
    counts: (id) => ask(`counts/${encodeURIComponent(id)}`),
    pushes: (token) => ask(`pushes/${encodeURIComponent(token)}`),
    refused: () => ask('refused'),
    ledger: () => ask('ledger'),
    receipts: (id = '') => ask(`receipts/${encodeURIComponent(id)}`),
    async close() {
      child.stdin.end()
      await ended
    },
  }
}
