/** What the contestants that are not ours share: how they are told to send, and what they say. */
import { tokenOf } from '../kit/devices.ts'

export interface Task {
  devices: number
  sendUrl: string
}

export type Done = { ms: number } | { error: string }

/** The words of a post, as Belfry sends them. */
export const words = {
  title: 'New Reflection from author',
  body: 'A title',
  data: {
    post_id: '01975b8d-8352-7beb-8000-000000000001',
    screen: 'post_detail',
    notification_id: '01975b8d-8352-7beb-8000-000000000002',
  },
  sound: 'default' as const,
  priority: 'high' as const,
  channelId: 'default',
}

/**
 * Sends whenever it is told to. Push tokens are in memory before the watch starts, which nobody's are; so is what
 * `prepare` makes of them.
 */
export function serve<Prepared>(
  prepare: (tokens: string[], task: Task) => Prepared | Promise<Prepared>,
  send: (prepared: Prepared, task: Task) => Promise<void>,
): void {
  const answer = (done: Done) => process.send?.(done)
  const run = async (task: Task) => {
    const prepared = await prepare(
      Array.from({ length: task.devices }, (_, n) => tokenOf(n + 1)),
      task,
    )
    const started = performance.now()
    await send(prepared, task)
    answer({ ms: performance.now() - started })
  }
  process.on('message', (task: Task) => {
    run(task).catch((error: Error) => answer({ error: error.stack ?? error.message }))
  })
  process.on('disconnect', () => process.exit(0))
  answer({ ms: 0 })
}
