/**
 * The workers of one queue. One of them waits for work; when it has found some, another waits, up to so many. So a
 * wake-up is one question to the database, not one from every worker, and nobody who is free is ever missing.
 */
import type { Emit } from '../../ports.ts'

export interface Crew {
  start(): Promise<void>
  /** Takes no more work; resolves when every handler has returned. */
  stop(): Promise<void>
}

/** What the queue can do for a crew. */
export interface Employer<Claimed> {
  work(queue: string, options: WorkOptions, handler: (jobs: Claimed[]) => Promise<[]>): Promise<string>
  offWork(queue: string, options: { id: string; wait: boolean }): Promise<void>
  notifyWorker(id: string): void
}

interface WorkOptions {
  batchSize: number
  pollingIntervalSeconds: number
  notifyPollingIntervalSeconds: number
  heartbeatRefreshSeconds: number
  perJobResults: true
}

/** What a wake-up does not tell of: a job that is tried again, or whose time has come. */
const POLLING = { pollingIntervalSeconds: 1, notifyPollingIntervalSeconds: 1 }
/**
 * How often a worker says that it lives, which must be heard once in ten seconds (`queue.ts`). At pg-boss's own five, one that falls
 * into a moment without a database is repeated when it is just too late: the work goes to another, and what is under way is sent twice.
 */
const HEARTBEAT = { heartbeatRefreshSeconds: 2 }
const WORK = { ...POLLING, ...HEARTBEAT, perJobResults: true } as const
/** A new worker asks the database for work at once: not in the moment in which what was just claimed needs it most. */
const HIRE_AFTER_MS = 10

/**
 * `batchSize` is asked when somebody is hired, and after work that leaves nobody else waiting.
 * @param work handles what was claimed, and never fails for what its jobs are about. It settles all of it itself.
 */
export function openCrew<Claimed>(
  boss: Employer<Claimed>,
  emit: Emit,
  { queue, workers, batchSize }: { queue: string; workers: number; batchSize: () => number },
  work: (jobs: Claimed[]) => Promise<void>,
): Crew {
  const crew = openRoster((id) => boss.offWork(queue, { id, wait: false }))
  let hiring = 0
  let stopping = false
  const tell = (error: unknown) => emit('queue.error', { error: messageOf(error) })

  async function hire(): Promise<void> {
    hiring += 1
    const size = batchSize()
    try {
      const id: string = await boss.work(queue, { batchSize: size, ...WORK }, async (jobs) => {
        const hiringLater = setTimeout(hireIfNobodyWaits, HIRE_AFTER_MS)
        try {
          return await crew.during(id, () => work(jobs).then(() => nothingLeft(jobs)))
        } finally {
          clearTimeout(hiringLater)
          askAgain(id)
        }
      })
      crew.add(id, size)
      if (stopping) await boss.offWork(queue, { id, wait: false })
    } finally {
      hiring -= 1
    }
  }

  function hireIfNobodyWaits(): void {
    if (crew.free().length + hiring > 0 || crew.all().length >= workers || stopping) return
    hire().catch(tell)
  }

  /** When nobody can be hired, who is there goes on as before. */
  function replace(id: string): void {
    hire()
      .then(() => crew.isFree(id) && crew.letGo(id), tell)
      .finally(() => boss.notifyWorker(id))
  }

  /** Who has just worked asks again at once, instead of waiting for a wake-up; or leaves that to who is free already. */
  function askAgain(id: string): void {
    if (stopping || !crew.isFree(id)) return
    const [other] = crew.free().filter((one) => one !== id)
    if (other === undefined) return crew.sizeOf(id) === batchSize() ? boss.notifyWorker(id) : replace(id)
    crew.letGo(id)
    boss.notifyWorker(other)
  }

  return {
    start: hire,
    async stop() {
      stopping = true
      await Promise.all(crew.all().map((id) => boss.offWork(queue, { id, wait: true })))
    },
  }
}

/** Empties pg-boss's own list of what was claimed: after a handler it settles what is in it, and this is settled already. */
function nothingLeft(jobs: unknown[]): [] {
  jobs.length = 0
  return []
}

/** Who is in the crew. @param off ends somebody's work. */
function openRoster(off: (id: string) => unknown) {
  /** How many handlers each is in: a claim that is lost lets go of its handler before that has returned. */
  const handling = new Map<string, number>()
  /** How many jobs each takes at once, which is fixed when it is hired. */
  const sizes = new Map<string, number>()
  const isFree = (id: string) => handling.get(id) === 0
  return {
    isFree,
    free: () => [...handling.keys()].filter(isFree),
    all: () => [...handling.keys()],
    sizeOf: (id: string) => sizes.get(id),
    /** It may have begun to work before anybody knew that it was hired. */
    add(id: string, size: number) {
      handling.set(id, handling.get(id) ?? 0)
      sizes.set(id, size)
    },
    letGo(id: string) {
      handling.delete(id)
      sizes.delete(id)
      void off(id)
    },
    async during<T>(id: string, work: () => Promise<T>): Promise<T> {
      handling.set(id, (handling.get(id) ?? 0) + 1)
      try {
        return await work()
      } finally {
        const left = handling.get(id)
        if (left !== undefined) handling.set(id, left - 1)
      }
    },
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
