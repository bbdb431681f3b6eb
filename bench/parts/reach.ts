/** From a POST to the request at Expo, for one person: with nothing else to do, and inside a broadcast at Expo's limit. */
import { setTimeout as wait } from 'node:timers/promises'
import { type Belfry, openBelfry } from '../contestants/belfry.ts'
import { beginAtLimit, crowdFor, EXPO_LIMIT } from '../kit/limit.ts'
import type { Ground } from '../kit/part.ts'
import { now, type Sent, sendMessage } from '../kit/person.ts'
import { type Open, withOpen } from '../kit/rounds.ts'
import { median, quantile } from '../kit/stats.ts'
import type { Group, Row } from '../report/figures.ts'

/** The golden section of the 167 ms between a broadcast's requests: the messages come at every moment between two. */
const EVERY_MS = 103
/** After that, a message is lost. */
const LAST_WAIT_MS = 1_000

export const reachSteps = 5

export async function measureReach(ground: Ground): Promise<Group> {
  return {
    id: 'reach',
    title: 'From the POST of a message to the request at Expo',
    unit: 'ms (median)',
    better: 'less',
    rows: await withOpen((open) => ofBoth(ground, open)),
    note: `The fake Expo refuses what is above ${EXPO_LIMIT} a second; ${ground.size.singles} messages each, one every ${EVERY_MS} ms.`,
  }
}

async function ofBoth(ground: Ground, open: Open): Promise<Row[]> {
  const { expo, blanks, progress, size } = ground
  progress.step('a message: two databases')
  const devices = crowdFor(size.singles * EVERY_MS)
  const common = { expo, blanks, devices, env: { EXPO_RATE_LIMIT: String(EXPO_LIMIT) } }
  const programs = await Promise.all([
    open(openBelfry({ ...common, name: 'PostgreSQL', on: 'postgres' })),
    open(openBelfry({ ...common, name: 'embedded', on: 'pglite' })),
  ])
  const rows: Row[] = []
  for (const program of programs) {
    rows.push(await idle(ground, program), await inBroadcast(ground, program))
    // Its broadcast still goes on, and would use up what the limit leaves to the next.
    await program.close()
  }
  return rows
}

async function idle(ground: Ground, program: Belfry): Promise<Row> {
  ground.progress.step(`a message, idle, ${program.name}`)
  await ground.expo.reset({ rateLimit: EXPO_LIMIT })
  return row(`idle, ${program.name}`, await oneAfterTheOther(ground, program))
}

async function inBroadcast(ground: Ground, program: Belfry): Promise<Row> {
  ground.progress.step(`a message inside a broadcast at ${EXPO_LIMIT} a second, ${program.name}`)
  await ground.expo.reset({ rateLimit: EXPO_LIMIT })
  await beginAtLimit(ground.expo, program)
  const times = await oneAfterTheOther(ground, program)
  const { accepted, statuses } = await ground.expo.report()
  if (accepted >= program.devices) throw new Error('the broadcast was over before the messages were')
  return row(`inside a broadcast at ${EXPO_LIMIT}/s, ${program.name}`, times, { 'answers 429': statuses[429] ?? 0 })
}

async function oneAfterTheOther({ expo, size }: Ground, { url }: Belfry): Promise<number[]> {
  // The first of a process's life are not what a person waits for on an ordinary day.
  for (let n = 1; n <= 5; n++) await sendMessage(url, n)
  const sent: Sent[] = []
  for (let n = 1; n <= size.singles; n++) {
    const next = now() + EVERY_MS
    sent.push(await sendMessage(url, n))
    await wait(Math.max(0, next - now()))
  }
  const notifications = await whenArrived(expo, sent)
  return sent.map(({ notificationId, at }) => (notifications[notificationId]?.firstAt ?? Number.NaN) - at)
}

async function whenArrived(expo: Ground['expo'], sent: Sent[]) {
  const end = now() + LAST_WAIT_MS
  for (;;) {
    const { notifications } = await expo.report()
    if (now() > end || sent.every(({ notificationId }) => notificationId in notifications)) return notifications
    await wait(50)
  }
}

function row(name: string, times: number[], also: Record<string, number> = {}): Row {
  const reached = times.filter(Number.isFinite)
  const lost = times.length - reached.length
  const more = { 'p99 ms': quantile(reached, 0.99), ...also, ...(lost > 0 && { 'not within a second': lost }) }
  return { name, value: median(reached), runs: reached, ours: true, also: more }
}
