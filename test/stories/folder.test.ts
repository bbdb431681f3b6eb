/** One process at a time on a data folder: a second one is told who has it, and a dead holder stands in nobody's way. */
import { rmSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type Server, startServer, temporaryFolder } from '../kit/server.ts'

const env = { ENABLE_PUSH_NOTIFICATIONS: 'false' }

test('a second start is refused with the pid of the first; after kill -9 the next start takes over', async () => {
  const folder = temporaryFolder()
  let server: Server | undefined
  try {
    server = await startServer({ folder, env })
    await expect(startServer({ folder, env })).rejects.toThrow(`process ${server.pid}`)
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
    await server.kill9()
    // Of two that come at once, one gets it.
    const starts = await Promise.allSettled([startServer({ folder, env }), startServer({ folder, env })])
    const [winner, ...others] = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []))
    expect(others).toEqual([])
    const [loser] = starts.flatMap((start) => (start.status === 'rejected' ? [String(start.reason)] : []))
    expect(loser).toContain(`process ${winner!.pid}`)
    server = winner
    expect(await server!.stop()).toBe(0)
  } finally {
    await server?.kill9()
    rmSync(folder, { recursive: true, force: true })
  }
})
