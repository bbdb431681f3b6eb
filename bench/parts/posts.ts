/** How long a POST of a message takes: with nothing else to do, and while a broadcast goes out as fast as it can. */
import { setTimeout as wait } from 'node:timers/promises'
import type { Belfry } from '../contestants/belfry.ts'
import type { Ground } from '../kit/part.ts'
import { sendMessage } from '../kit/person.ts'
import type { Size } from '../kit/size.ts'
import { median, quantile } from '../kit/stats.ts'
import { type Aim, atMost, type Group, type Row } from '../report/figures.ts'

/** Whether or not the one before has been answered: people do not wait for each other. */
const EVERY_MS = 20
const RECEIVERS = 1_000
/** What Expo takes of one project in a second, and what is kept by default. */
export const EXPO_LIMIT = 600
/** The broadcast must outlast the POSTs. */
const SPARE_SECONDS = 15

export interface PostTimes {
  kind: string
  idle: Row
  during: Row
}

export const postsSteps = (programs: number): number => programs * 2

/** Devices that take a broadcast at Expo's limit longer than the POSTs take that are timed beside it. */
export const crowdAtLimit = ({ posts }: Size): number => EXPO_LIMIT * ((posts * EVERY_MS) / 1_000 + SPARE_SECONDS)

/** @param program one that is warm. */
export async function timeProgram(ground: Ground, kind: string, program: Belfry): Promise<PostTimes> {
  const idle = await timeIdle(ground, kind, program)
  ground.progress.step(`POST, during a broadcast, ${kind}`)
  const during: number[] = []
  while (during.length < ground.size.posts) during.push(...(await timePostsInBroadcast(program)))
  return { kind, idle, during: row(`during a broadcast, ${kind}`, during) }
}

/** @param program one that is warm, keeps Expo's limit, and has `crowdAtLimit` devices. Its broadcast goes on afterwards. */
export async function timeAtLimit(ground: Ground, program: Belfry): Promise<PostTimes> {
  const kind = `PostgreSQL, one process, ${EXPO_LIMIT}/s`
  const idle = await timeIdle(ground, kind, program)
  ground.progress.step(`POST, during a broadcast, ${kind}`)
  await program.post()
  await ground.expo.untilTaken(2 * EXPO_LIMIT)
  const during = await timePosts(program.url, ground.size.posts, () => false)
  return { kind, idle, during: row(`during a broadcast, ${kind}`, during) }
}

async function timeIdle({ expo, progress, size }: Ground, kind: string, program: Belfry): Promise<Row> {
  progress.step(`POST, idle, ${kind}`)
  await expo.reset({ remember: false })
  return row(`idle, ${kind}`, await timePosts(program.url, size.posts, () => false))
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
    note: `A POST every ${EVERY_MS} ms, while a broadcast without pace goes to ${crowd.toLocaleString('en')} devices (embedded: ${crowdEmbedded.toLocaleString('en')}) and to those that were just registered; or one that keeps Expo's limit, the default.`,
  }
}

export function postsAims(all: PostTimes[]): Aim[] {
  return all.map(({ kind, idle, during }) =>
    atMost(`POST p99 during a broadcast, to idle (${kind})`, during.value / idle.value, 2, ' x'),
  )
}
