/**
 * Statements that come again are parsed and planned once for each connection: the database otherwise spends as long on
 * that as on running them. On PostgreSQL only on a connection of our own: a pooler in between would mix up whose they are.
 * Their names are made of their text, so that a mix-up would be an error, never another statement.
 */
import { createHash } from 'node:crypto'
import type { ClientBase } from 'pg'

/** Statements that a connection keeps; also those it remembers to have come once, so that what never comes again keeps none out. */
const MOST_KEPT = 200
/** Tables grow, and a plan for an empty one is a bad plan for a full one: plans are made anew after this long. */
const PLANS_LAST_MS = 5_000
/** A kept statement fails when what it answers changes its columns; where they are not named, a newer version may add some. */
const ALL_COLUMNS = /(?:select|returning) (?:["\w]+\.)?\*/i
const answersAllColumns = (text: string): boolean => ALL_COLUMNS.test(text) && ALL_COLUMNS.test(outermost(text))

/** Without subqueries: their columns are not the statement's. */
function outermost(text: string): string {
  const shorter = text.replace(/\([^()]*\)/g, '')
  return shorter === text ? text : outermost(shorter)
}

/** PostgreSQL's codes for a prepared statement whose result has changed, and for one that is not there. */
const SPOILED = new Set(['0A000', '26000'])
export const isSpoiled = (error: unknown): boolean => SPOILED.has((error as { code?: string }).code ?? '')

/** One statement that has a plan. Text without values may hold several, or one that is not planned, such as `begin`. */
export const ONE_TO_PLAN = /^\s*(?:with|select|insert|update|delete)\b[^;]*$/i

/** The statements that one connection keeps. */
export interface Kept {
  /** Undefined: it comes for the first time, or is not worth keeping. */
  nameOf(text: string, values: readonly unknown[]): string | undefined
  /** Where its error says that the statement is spoiled, that is prepared anew, under another name. */
  failed(text: string, error: unknown): void
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
    nameOf(text, values) {
      const name = names.get(text)
      if (name !== undefined) return name
      if (names.size >= MOST_KEPT || answersAllColumns(text)) return undefined
      if (values.length === 0 && !ONE_TO_PLAN.test(text)) return undefined
      if (!cameOnce.delete(text)) {
        remember(text)
        return undefined
      }
      const given = `belfry_${forgotten}_${createHash('sha256').update(text).digest('base64url').slice(0, 32)}`
      names.set(text, given)
      return given
    },
    failed(text, error) {
      if (!isSpoiled(error) || !names.delete(text)) return
      forgotten += 1
      remember(text)
    },
    isTimeToPlan() {
      if (performance.now() - plannedAt < PLANS_LAST_MS) return false
      plannedAt = performance.now()
      return true
    },
  }
}

export const PLAN_ANEW = 'discard plans'

/** As `pg` has it: with somebody to call back there is no promise. */
export type Send = (query: unknown, values?: unknown, done?: Done) => Promise<unknown>
type Done = (error: Error | null, result?: unknown) => void

/** @param client just connected, or about to be. */
export function prepareRepeated(client: ClientBase): void {
  const send = client.query.bind(client) as unknown as Send
  const kept = keepStatements()
  let isOurs = false

  const query: Send = (text, given, done) => {
    const values: unknown = given ?? []
    const name = isOurs && typeof text === 'string' && Array.isArray(values) ? kept.nameOf(text, values) : undefined
    if (name === undefined) return send(text, given, done)
    if (kept.isTimeToPlan()) send(PLAN_ANEW).catch(() => undefined)
    return sendKept({ name, text: text as string, values: values as unknown[] }, done)
  }
  const sendKept = (statement: { name: string; text: string; values: unknown[] }, done: Done | undefined) => {
    if (!done) {
      return send(statement).catch((error: unknown) => {
        kept.failed(statement.text, error)
        throw error
      })
    }
    return send(statement, undefined, (error, result) => {
      if (error) kept.failed(statement.text, error)
      done(error, result)
    })
  }
  client.query = query as unknown as ClientBase['query']
  isDirect(client).then(
    (answer) => (isOurs = answer),
    () => undefined,
  )
}

/** Whether this connection ends at PostgreSQL: a pooler tells its clients a process number of its own. */
async function isDirect(client: ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  return rows[0]?.pid === (client as unknown as { processID: number | null }).processID
}
