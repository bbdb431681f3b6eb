/**
 * What a whole test run shares: PostgreSQL servers, and an embedded database that the program has already set up, each
 * made when the first test asks for it. Test files run in processes of their own, so they ask over loopback.
 */
import { rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { inject } from 'vitest'
import type { TestProject } from 'vitest/node'
import { openPostgres, type PostgresVersion, type SharedPostgres, shared } from './postgres.ts'
import { startServer, temporaryFolder } from './server.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    keeper: string
  }
}

interface Kept {
  /** What those who ask get. */
  answer: string
  close(): Promise<void> | void
}

const makers: Record<string, () => Promise<Kept>> = {
  '/postgres/18': () => keepPostgres(18),
  '/postgres/14': () => keepPostgres(14),
  '/pglite': keepPglite,
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const kept = new Map<string, Promise<Kept>>()
  const keeper = createServer((request, response) => {
    const what = request.url ?? ''
    const thing = kept.get(what) ?? makers[what]!()
    kept.set(what, thing)
    thing.then(
      ({ answer }) => response.end(answer),
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
  })
  // A connection that it would close while somebody asks on it is kept until the end.
  keeper.keepAliveTimeout = 0
  await new Promise<void>((done) => keeper.listen(0, '127.0.0.1', done))
  project.provide('keeper', `http://127.0.0.1:${(keeper.address() as AddressInfo).port}`)
  return async () => {
    keeper.close()
    keeper.closeAllConnections()
    for (const thing of await Promise.allSettled(kept.values()))
      if (thing.status === 'fulfilled') await thing.value.close()
  }
}

async function keepPostgres(version: PostgresVersion): Promise<Kept> {
  const server = await openPostgres(version)
  return { answer: String(server.port), close: () => server.close() }
}

/** The program's own first start, once: a world that copies what it left starts a second sooner. */
async function keepPglite(): Promise<Kept> {
  const folder = temporaryFolder()
  const close = () => rmSync(folder, { recursive: true, force: true })
  try {
    const server = await startServer({ folder, env: { ENABLE_PUSH_NOTIFICATIONS: 'false' } })
    await server.stop()
    return { answer: join(folder, 'data', 'pgdata'), close }
  } catch (error) {
    close()
    throw error
  }
}

/** The run's PostgreSQL of that version; a world makes a database of its own in it. */
export async function sharedPostgres(version: PostgresVersion = 18): Promise<SharedPostgres> {
  return shared(version, Number(await ask(`/postgres/${version}`)))
}

/** The folder of an embedded database that is set up and empty, to be copied. */
export function emptyPglite(): Promise<string> {
  return ask('/pglite')
}

async function ask(what: string): Promise<string> {
  const response = await fetch(inject('keeper') + what)
  const text = await response.text()
  if (!response.ok) throw new Error(text)
  return text
}
