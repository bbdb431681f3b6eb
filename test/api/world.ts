/** The API over an embedded database, without delivery: what is asked is stored, and nothing is sent. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type JwtSettings, mintJwt } from '../../src/api/callers/jwt.ts'
import type { ApiOptions } from '../../src/api/options.ts'
import { openServer } from '../../src/api/server.ts'
import { defaultTexts } from '../../src/domain/texts/texts.ts'
import { logFacts, openLog } from '../../src/log.ts'
import { openPglite } from '../../src/store/open.ts'
import { emptyPglite } from '../kit/global-setup.ts'

/** Long enough for HS512 too: where that is refused, it is for the algorithm. */
export const SECRET = 'a secret that is long enough for HS256, and also long enough for HS512'
export const OPERATOR_KEY = 'operator-key-operator-key'
export const jwt: JwtSettings = {
  secret: SECRET,
  userClaim: 'sub',
  nameClaims: ['username', 'user_metadata.full_name'],
}

/** @param options with a database of another world, it is shared, and stays when this one is closed. */
export async function openApi(options: Partial<ApiOptions> = {}) {
  const dataDir = mkdtempSync(join(tmpdir(), 'belfry-api-'))
  if (options.database === undefined) cpSync(await emptyPglite(), join(dataDir, 'pgdata'), { recursive: true })
  const lines: string[] = []
  const log = openLog('debug', { write: (line) => void lines.push(line) })
  const emit = logFacts(log)
  const database = options.database ?? (await openPglite({ dataDir, schema: 'belfry', emit }))
  const closeDatabase = async () => {
    if (options.database === undefined) await database.close()
    rmSync(dataDir, { recursive: true, force: true })
  }
  const api = await openServer({
    database,
    emit,
    log,
    version: '0.0.0',
    startedAt: new Date(),
    mode: 'sandbox',
    jwt,
    operatorKey: OPERATOR_KEY,
    texts: defaultTexts('Smriti'),
    ttlSeconds: 60,
    openTestPush: false,
    movesPerDay: 5,
    isWorking: () => true,
    mounts: [],
    ...options,
  }).catch(async (error: unknown) => {
    await closeDatabase()
    throw error
  })
  await api.listen({ port: 0, host: '127.0.0.1' })
  const { port } = api.server.address() as AddressInfo
  return {
    api,
    port,
    database,
    lines,
    url: `http://127.0.0.1:${port}`,
    async close() {
      await api.close()
      await closeDatabase()
    },
  }
}

export const bearer = async (id: string, name: string | null = null, settings = jwt) =>
  `Bearer ${await mintJwt(settings, { id, name }, 60)}`
