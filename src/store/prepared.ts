/**
 * Statements that come again are parsed and planned once for each connection: PostgreSQL otherwise spends as long on
 * that as on running them. Only on a connection of our own: a pooler in between would mix up whose they are. Their names
 * are made of their text, so that a mix-up would be an error, never another statement.
 */
import { createHash } from 'node:crypto'
import type { PoolClient } from 'pg'

/** How many a connection keeps: what is worded anew each time is not worth keeping. */
const MOST_KEPT = 200
/** Tables grow, and a plan for an empty one is a bad plan for a full one: plans are made anew after this long. */
const PLANS_LAST_MS = 5_000
/** A kept statement fails when its columns change; where they are not named, a newer version may add some. */
const ALL_COLUMNS = /(?:select|returning) (?:["\w]+\.)?\*/i
/** PostgreSQL's codes for a prepared statement whose result has changed, and for one that is not there. */
const SPOILED = new Set(['0A000', '26000'])

type Query = { name: string; text: string; values: unknown[] }
type Send = (query: string | Query, ...more: unknown[]) => Promise<unknown>

/** @param client just connected. */
export function prepareRepeated(client: PoolClient): void {
  const send = client.query.bind(client) as Send
  /** Null: it has come once. */
  const names = new Map<string, string | null>()
  let forgotten = 0
  let isOurs = false
  let plannedAt = performance.now()

  function nameOf(text: string): string | undefined {
    const name = names.get(text)
    if (typeof name === 'string') return name
    if (name === undefined) {
      if (names.size < MOST_KEPT && !ALL_COLUMNS.test(text)) names.set(text, null)
      return undefined
    }
    const given = `belfry_${forgotten}_${createHash('sha256').update(text).digest('base64url').slice(0, 32)}`
    names.set(text, given)
    return given
  }

  /** Its columns have another type now, or it is gone: under another name it is prepared anew. */
  function forget(text: string, error: unknown): never {
    if (SPOILED.has((error as { code?: string }).code ?? '')) {
      forgotten += 1
      names.set(text, null)
    }
    throw error
  }

  function planAnew(): void {
    if (performance.now() - plannedAt < PLANS_LAST_MS) return
    plannedAt = performance.now()
    send('discard plans').catch(() => undefined)
  }

  const query: Send = (text, ...more) => {
    const [values] = more
    if (!isOurs || typeof text !== 'string' || !Array.isArray(values) || more.length > 1) return send(text, ...more)
    const name = nameOf(text)
    if (name === undefined) return send(text, values)
    planAnew()
    return send({ name, text, values }).catch((error: unknown) => forget(text, error))
  }
  client.query = query as PoolClient['query']
  isDirect(client).then(
    (answer) => (isOurs = answer),
    () => undefined,
  )
}

/** Whether this connection ends at PostgreSQL: a pooler tells its clients a process number of its own. */
async function isDirect(client: PoolClient): Promise<boolean> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  return rows[0]?.pid === (client as unknown as { processID: number | null }).processID
}
