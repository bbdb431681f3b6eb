/** How long a POST of a message takes: with nothing else to do, and while a broadcast goes out as fast as it can. */
import { setTimeout as wait } from 'node:timers/promises'
import { query } from '../../test/kit/postgres.ts'
import type { Belfry } from '../contestants/belfry.ts'
import { beginAtLimit, crowdFor } from '../kit/limit.ts'
import type { Ground } from '../kit/part.ts'
import { sendMessage } from '../kit/person.ts'
import type { Size } from '../kit/size.ts'
import { median, quantile } from '../kit/stats.ts'
import { type Aim, atMost, type Group, type Row } from '../report/figures.ts'

/** Whether or not the one before has been answered: people do not wait for each other. */
const EVERY_MS = 20
const RECEIVERS = 1_000

export interface PostTimes {
  kind: string
  idle: Row
  during: Row
}

export const postsSteps = (programs: number): number => programs * 2

/** Devices of the broadcast that `besideOneAtLimit` needs. */
export const crowdAtLimit = ({ posts }: Size): number => crowdFor(posts * EVERY_MS)

type TimeDuring = (ground: Ground, program: Belfry) => Promise<number[]>

/** @param program one that is warm. */
export async function timeProgram(
  ground: Ground,
  kind: string,
  program: Belfry,
  timeDuring: TimeDuring = besideSomeWithoutPace,
): Promise<PostTimes> {
  const { expo, progress, size } = ground
  progress.step(`POST, idle, ${kind}`)
  await expo.reset({ remember: false })
  const idle = await timePosts(program.url, size.posts, () => false)
  progress.step(`POST, during a broadcast, ${kind}`)
  const during = await timeDuring(ground, program)
  return { kind, idle: row(`idle, ${kind}`, idle), during: row(`during a broadcast, ${kind}`, during) }
}

async function besideSomeWithoutPace({ size }: Ground, program: Belfry): Promise<number[]> {
  const during: number[] = []
  while (during.length < size.posts) {
    await bringLogFiles(program)
    during.push(...(await timePostsInBroadcast(program)))
  }
  return during
}

/**
 * A PostgreSQL that has just been made writes each of its log files anew, 40 to 60 ms in which nobody commits; one that has run
 * for a while uses old ones again, from its last checkpoint on, which it makes every five minutes.
 */
async function bringLogFiles({ databaseUrl }: Belfry): Promise<void> {
  if (databaseUrl !== undefined) await query(databaseUrl, 'checkpoint')
}

/** The broadcast goes on afterwards. @param program keeps Expo's limit. */
export async function besideOneAtLimit({ expo, size }: Ground, program: Belfry): Promise<number[]> {
  await beginAtLimit(expo, program)
  return timePosts(program.url, size.posts, () => false)
}

async function timePostsInBroadcast(program: Belfry): Promise<number[]> {
  const { id } = await program.post()
  let isOver = false
  const over = program.finished(id).then(() => {
    isOver = true
  })
  const times = await timePosts(program.url, Number.POSITIVE_INFINITY, () => isOver)
  await over
  return times
}

/** @returns milliseconds; NaN for one that was not answered well. */
async function timePosts(url: string, count: number, isOver: () => boolean): Promise<number[]> {
  const posts: Promise<number>[] = []
  while (posts.length < count && !isOver()) {
    const receiver = 1 + (posts.length % RECEIVERS)
    posts.push(
      sendMessage(url, receiver).then(
        ({ ms }) => ms,
        () => Number.NaN,
      ),
    )
    await wait(EVERY_MS)
  }
  return Promise.all(posts)
}

function row(name: string, times: number[]): Row {
  const answered = times.filter(Number.isFinite)
  const failed = times.length - answered.length
  return {
    name,
    value: quantile(answered, 0.99),
    runs: answered,
    ours: true,
    also: { 'median ms': median(answered), POSTs: times.length, ...(failed > 0 && { failed }) },
  }
}

export function postsGroup({ crowd, crowdEmbedded }: Size, all: PostTimes[]): Group {
  return {
    id: 'posts',
    title: 'A POST of a message, answered after its commit',
    unit: 'ms (p99)',
    better: 'less',
    rows: all.flatMap(({ idle, during }) => [idle, during]),
    note: `A POST every ${EVERY_MS} ms, while a broadcast without pace goes to ${crowd.toLocaleString('en')} devices (embedded: ${crowdEmbedded.toLocaleString('en')}) and to those that were just registered, after a checkpoint of PostgreSQL; or one that keeps Expo's limit, the default.`,
  }
}

export function postsAims(all: PostTimes[]): Aim[] {
  return all.map(({ kind, idle, during }) =>
    atMost(`POST p99 during a broadcast, to idle (${kind})`, during.value / idle.value, 2, ' x'),
  )
}
