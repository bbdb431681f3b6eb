/** From a POST to the request at Expo, for one person: with nothing else to do, and inside a broadcast at Expo's limit. */
import { setTimeout as wait } from 'node:timers/promises'
import { openBelfry } from '../contestants/belfry.ts'
import type { Ground } from '../kit/part.ts'
import { now, sendMessage, type Sent } from '../kit/person.ts'
import { type Open, withOpen } from '../kit/rounds.ts'
import { median, quantile } from '../kit/stats.ts'
import type { Group, Row } from '../report/figures.ts'

const LIMIT = 600
const EVERY_MS = 150
/** The broadcast must outlast the messages, and the look at what came of them. */
const SPARE_SECONDS = 15

export const reachSteps = 4

export async function measureReach(ground: Ground): Promise<Group> {
  const { postgres } = ground
  const rows = [
    ...(await ofProgram(ground, 'PostgreSQL', postgres)),
    ...(await ofProgram(ground, 'embedded', undefined)),
  ]
  return {
    id: 'reach',
    title: 'From the POST of a message to the request at Expo',
    unit: 'ms (median)',
    better: 'less',
    rows,
    note: `The fake Expo refuses what is above ${LIMIT} a second; ${ground.size.singles} messages each, one every ${EVERY_MS} ms.`,
  }
}

function ofProgram(ground: Ground, kind: string, postgres: Ground['postgres'] | undefined): Promise<Row[]> {
  return withOpen(async (open) => [
    await idle(ground, kind, await openPaced(ground, open, kind, postgres)),
    await inBroadcast(ground, kind, await openPaced(ground, open, kind, postgres)),
  ])
}

function openPaced({ expo, size }: Ground, open: Open, name: string, postgres: Ground['postgres'] | undefined) {
  const devices = Math.ceil(LIMIT * ((size.singles * EVERY_MS) / 1_000 + SPARE_SECONDS))
  return open(openBelfry({ name, expo, postgres, devices, env: { EXPO_RATE_LIMIT: String(LIMIT) } }))
}

type Program = Awaited<ReturnType<typeof openPaced>>

async function idle(ground: Ground, kind: string, program: Program): Promise<Row> {
  ground.progress.step(`a message, idle, ${kind}`)
  await ground.expo.reset({ rateLimit: LIMIT })
  return row(`idle, ${kind}`, await oneAfterTheOther(ground, program))
}

async function inBroadcast(ground: Ground, kind: string, program: Program): Promise<Row> {
  ground.progress.step(`a message inside a broadcast at ${LIMIT} a second, ${kind}`)
  await ground.expo.reset({ rateLimit: LIMIT })
  await program.post()
  await ground.expo.untilTaken(LIMIT * 2)
  const times = await oneAfterTheOther(ground, program)
  const { accepted, statuses } = await ground.expo.report()
  if (accepted >= program.devices) throw new Error('the broadcast was over before the messages were')
  return row(`inside a broadcast at ${LIMIT}/s, ${kind}`, times, { 'answers 429': statuses[429] ?? 0 })
}

async function oneAfterTheOther({ expo, size }: Ground, { url }: Program): Promise<number[]> {
  // The first of a process's life are not what a person waits for on an ordinary day.
  for (let n = 1; n <= 5; n++) await sendMessage(url, n)
  const sent: Sent[] = []
  for (let n = 1; n <= size.singles; n++) {
    const next = now() + EVERY_MS
    sent.push(await sendMessage(url, n))
    await wait(Math.max(0, next - now()))
  }
  await wait(1_000)
  const { notifications } = await expo.report()
  return sent.map(({ notificationId, at }) => (notifications[notificationId]?.firstAt ?? Number.NaN) - at)
}

function row(name: string, times: number[], also: Record<string, number> = {}): Row {
  const reached = times.filter(Number.isFinite)
  const lost = times.length - reached.length
  const more = { 'p99 ms': quantile(reached, 0.99), ...also, ...(lost > 0 && { 'not within a second': lost }) }
  return { name, value: median(reached), runs: reached, ours: true, also: more }
}
