/**
 * The workers of one queue. One of them waits for work; when it has found some, another waits, up to so many. So a
 * wake-up is one question to the database, not one from every worker, and nobody who is free is ever missing.
 */
import type { Job, PgBoss } from 'pg-boss'
import type { Emit } from '../ports.ts'

export interface Crew {
  start(): Promise<void>
  /** Takes no more work; resolves when every handler has returned. */
  stop(): Promise<void>
}

/** @param work handles what was claimed, and never fails for what its jobs are about. */
export function openCrew<Data extends object>(
  boss: PgBoss,
  emit: Emit,
  { queue, workers, batchSize }: { queue: string; workers: number; batchSize: number },
  work: (jobs: Job<Data>[]) => Promise<void>,
): Crew {
  const options = { batchSize, pollingIntervalSeconds: 1, notifyPollingIntervalSeconds: 1 }
  const ids = new Set<string>()
  let hired = 0
  let busy = 0
  let stopping = false

  async function hire(): Promise<void> {
    hired += 1
    const id: string = await boss.work<Data>(queue, options, async (jobs) => {
      busy += 1
      if (hired === busy && hired < workers && !stopping) hireAnother()
      try {
        await work(jobs)
      } finally {
        busy -= 1
        askAgain(id)
      }
    })
    ids.add(id)
    if (stopping) await boss.offWork(queue, { id, wait: false })
  }

  function hireAnother(): void {
    hire().catch((error: unknown) => {
      hired -= 1
      emit('queue.error', { error: error instanceof Error ? error.message : String(error) })
    })
  }

  /** Who has just worked asks again at once, instead of waiting for a wake-up; or leaves that to who is free already. */
  function askAgain(id: string): void {
    if (stopping) return
    if (hired - busy === 1) return boss.notifyWorker(id)
    hired -= 1
    ids.delete(id)
    void boss.offWork(queue, { id, wait: false })
    for (const other of ids) boss.notifyWorker(other)
  }

  return {
    start: hire,
    async stop() {
      stopping = true
      await Promise.all([...ids].map((id) => boss.offWork(queue, { id, wait: true })))
    },
  }
}
