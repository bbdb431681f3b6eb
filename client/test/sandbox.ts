/** The real server in its sandbox, where a token may change hands as often as a test likes. */
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { emptyPglite } from '../../test/kit/global-setup.ts'
import { type Server, startServer, temporaryFolder } from '../../test/kit/server.ts'

export async function startSandbox(): Promise<Server> {
  const folder = temporaryFolder()
  cpSync(await emptyPglite(), join(folder, 'data', 'pgdata'), { recursive: true })
  const server = await startServer({ folder, env: { LOG_LEVEL: 'error' } })
  void server.exited.then(() => rmSync(folder, { recursive: true, force: true }))
  return server
}
