/**
 * The embedded database, as it is asked from here: PGlite works in a thread of its own. One statement at a time, or one
 * transaction; what comes meanwhile waits there, so that it is never without work while we think about its answers.
 */
import { Worker } from 'node:worker_threads'
import type { PGliteOptions, Results } from '@electric-sql/pglite'
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
} from 'kysely'
import type { Answer, Asked, Notice, Question } from './pglite-thread.ts'

const CLOSED = { message: 'PGlite is closed' }

/** No statement takes this long: PGlite has stopped without a word. */
const SILENT_MS = 300_000
const LOOKS = 10

interface Watch {
  silentMs: number
  onStopped: () => void
}

/** Ends the program, so that whoever supervises it starts it again; what was accepted is still there. */
const endProgram: Watch = {
  silentMs: SILENT_MS,
  onStopped: () => {
    throw new Error(
      'The embedded database has stopped, as it does when its disk is full. Make room there, and start again; what was accepted is kept.',
    )
  },
}

export class EmbeddedDatabase {
  readonly #thread: Worker
  readonly #waiting = new Map<number, (answer: Answer) => void>()
  readonly #listeners = new Map<string, Set<(payload: string) => void>>()
  #asked = 0
  #isClosed = false
  #closing: Promise<void> | undefined
  /** When it last answered, or was asked with nothing to do. */
  #wellAt = performance.now()
  readonly #watching: NodeJS.Timeout

  private constructor(options: PGliteOptions, { silentMs, onStopped }: Watch) {
    // A thread that dies of an error takes the program with it: nobody listens for 'error'.
    this.#thread = new Worker(new URL('./pglite-thread.ts', import.meta.url), { workerData: options })
    this.#thread.on('message', (message: Answer | Notice) => this.#take(message))
    this.#thread.on('exit', () => {
      if (!this.#isClosed) onStopped()
    })
    this.#watching = setInterval(() => {
      if (this.#waiting.size > 0 && performance.now() - this.#wellAt > silentMs) onStopped()
    }, silentMs / LOOKS).unref()
  }

  static async open(options: PGliteOptions, watch = endProgram): Promise<EmbeddedDatabase> {
    const database = new EmbeddedDatabase(options, watch)
    try {
      await database.query('select 1')
      return database
    } catch (error) {
      database.#isClosed = true
      clearInterval(database.#watching)
      await database.#thread.terminate()
      throw error
    }
  }

  /** @param transaction one of ours that is open. */
  async query<T>(text: string, values?: readonly unknown[], transaction?: number): Promise<Results<T>> {
    const question: Question = { kind: 'query', text, ...(values && { values }) }
    return valueOf(await this.#ask(transaction === undefined ? question : { ...question, transaction })) as Results<T>
  }

  /** Several statements, without values. */
  async exec(text: string): Promise<Results[]> {
    return valueOf(await this.#ask({ kind: 'exec', text })) as Results[]
  }

  /** @returns its name. When it cannot begin, the statements in it fail. */
  begin(): number {
    const name = this.#next()
    void this.#ask({ kind: 'begin' }, name)
    return name
  }

  async end(transaction: number, { commit }: { commit: boolean }): Promise<void> {
    valueOf(await this.#ask({ kind: 'end', transaction, commit }))
  }

  async listen(channel: string, callback: (payload: string) => void): Promise<() => Promise<void>> {
    const listeners = this.#listeners.get(channel)
    if (listeners) listeners.add(callback)
    else {
      this.#listeners.set(channel, new Set([callback]))
      const answer = await this.#ask({ kind: 'listen', channel })
      if ('error' in answer) this.#listeners.delete(channel)
      valueOf(answer)
    }
    return async () => void this.#listeners.get(channel)?.delete(callback)
  }

  /** What is under way is done first, transactions to their end. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    const answer = await this.#ask({ kind: 'close' })
    this.#isClosed = true
    clearInterval(this.#watching)
    await this.#thread.terminate()
    for (const [number, tell] of this.#waiting) tell({ number, error: CLOSED })
    valueOf(answer)
  }

  #next(): number {
    this.#asked += 1
    return this.#asked
  }

  #ask(question: Question, number = this.#next()): Promise<Answer> {
    if (this.#isClosed) return Promise.resolve({ number, error: CLOSED })
    return new Promise((resolve) => {
      if (this.#waiting.size === 0) this.#wellAt = performance.now()
      this.#thread.postMessage({ ...question, number } satisfies Asked)
      this.#waiting.set(number, resolve)
    })
  }

  #take(message: Answer | Notice): void {
    if ('channel' in message) {
      for (const listener of this.#listeners.get(message.channel) ?? []) listener(message.payload)
      return
    }
    this.#wellAt = performance.now()
    this.#waiting.get(message.number)?.(message)
    this.#waiting.delete(message.number)
  }
}

/** The error is made here, where it is waited for, so that its stack leads to whoever asked. */
function valueOf(answer: Answer): unknown {
  if ('error' in answer) throw Object.assign(new Error(), answer.error)
  return answer.value
}

/** Kysely's own for PGlite lets one question in at a time, and waits for its answer before the next. */
export function embeddedDialect(database: EmbeddedDatabase): Dialect {
  return {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => driverOf(database),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  }
}

/** There is no connection to acquire: it stands for the transaction that is open on it, if any. */
class EmbeddedConnection implements DatabaseConnection {
  readonly #database: EmbeddedDatabase
  #transaction: number | undefined

  constructor(database: EmbeddedDatabase) {
    this.#database = database
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const { rows, affectedRows } = await this.#database.query<R>(sql, parameters, this.#transaction)
    return affectedRows === undefined ? { rows } : { rows, numAffectedRows: BigInt(affectedRows) }
  }

  begin(): void {
    this.#transaction = this.#database.begin()
  }

  async end(commit: boolean): Promise<void> {
    const transaction = this.#transaction
    this.#transaction = undefined
    if (transaction !== undefined) await this.#database.end(transaction, { commit })
  }

  streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('the embedded database gives all rows at once')
  }
}

function driverOf(database: EmbeddedDatabase): Driver {
  const own = (connection: DatabaseConnection) => connection as EmbeddedConnection
  return {
    init: async () => undefined,
    acquireConnection: async () => new EmbeddedConnection(database),
    releaseConnection: async () => undefined,
    beginTransaction: async (connection) => own(connection).begin(),
    commitTransaction: (connection) => own(connection).end(true),
    rollbackTransaction: (connection) => own(connection).end(false),
    destroy: () => database.close(),
  }
}
