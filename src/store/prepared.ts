/**
 * Statements that come again are parsed and planned once for each connection: the database otherwise spends as long on
 * that as on running them. On PostgreSQL only on a connection of our own: a pooler in between would mix up whose they are.
 * Their names are made of their text, so that a mix-up would be an error, never another statement.
 */
import { createHash } from 'node:crypto'
import type { PoolClient } from 'pg'

/** How many a connection keeps, and how many it remembers to have come once: what is worded anew each time must not keep out the others. */
const MOST_KEPT = 200
/** Tables grow, and a plan for an empty one is a bad plan for a full one: plans are made anew after this long. */
const PLANS_LAST_MS = 5_000
/** A kept statement fails when its columns change; where they are not named, a newer version may add some. */
const ALL_COLUMNS = /(?:select|returning) (?:["\w]+\.)?\*/i
/** PostgreSQL's codes for a prepared statement whose result has changed, and for one that is not there. */
const SPOILED = new Set(['0A000', '26000'])
export const isSpoiled = (error: unknown): boolean => SPOILED.has((error as { code?: string }).code ?? '')

/** The statements that one connection keeps. */
export interface Kept {
  /** Undefined: it comes for the first time, or is not worth keeping. */
  nameOf(text: string): string | undefined
  /** Throws the error again. Where it says that the statement is spoiled, that is prepared anew, under another name. */
  forget(text: string, error: unknown): never
  /** Whether plans have lasted long enough. */
  isTimeToPlan(): boolean
}

export function keepStatements(): Kept {
  const names = new Map<string, string>()
  const cameOnce = new Set<string>()
  let forgotten = 0
  let plannedAt = performance.now()

  function remember(text: string): void {
    if (cameOnce.size >= MOST_KEPT) cameOnce.clear()
    cameOnce.add(text)
  }

  return {
    nameOf(text) {
      const name = names.get(text)
      if (name !== undefined) return name
      if (names.size >= MOST_KEPT || ALL_COLUMNS.test(text)) return undefined
      if (!cameOnce.delete(text)) {
        remember(text)
        return undefined
      }
      const given = `belfry_${forgotten}_${createHash('sha256').update(text).digest('base64url').slice(0, 32)}`
      names.set(text, given)
      return given
    },
    forget(text, error) {
      if (isSpoiled(error) && names.delete(text)) {
        forgotten += 1
        remember(text)
      }
      throw error
    },
    isTimeToPlan() {
      if (performance.now() - plannedAt < PLANS_LAST_MS) return false
      plannedAt = performance.now()
      return true
    },
  }
}

export const PLAN_ANEW = 'discard plans'

type Query = { name: string; text: string; values: unknown[] }
type Send = (query: string | Query, ...more: unknown[]) => Promise<unknown>

/** @param client just connected. */
export function prepareRepeated(client: PoolClient): void {
  const send = client.query.bind(client) as Send
  const kept = keepStatements()
  let isOurs = false

  const query: Send = (text, ...more) => {
    const [values] = more
    if (!isOurs || typeof text !== 'string' || !Array.isArray(values) || more.length > 1) return send(text, ...more)
    const name = kept.nameOf(text)
    if (name === undefined) return send(text, values)
    if (kept.isTimeToPlan()) send(PLAN_ANEW).catch(() => undefined)
    return send({ name, text, values }).catch((error: unknown) => kept.forget(text, error))
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
