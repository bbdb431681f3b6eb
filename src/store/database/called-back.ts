/**
 * `pg` is called back, and what waits for it is given a promise here. Its own promises, and its own time limit, keep each
 * statement with all its values until the old generation of the garbage collector is collected: a fifth of a broadcast's
 * CPU time went into that.
 */
import pg, { type ClientBase } from 'pg'
import { isReadOnly } from './away.ts'
import { prepareRepeated, type Send } from './prepared.ts'
import { setUp } from './session.ts'

/** A connection that does not answer for so long is taken for dead, with all that was asked over it. */
const TIMEOUT_MS = 10_000

export function callBack(client: ClientBase, timeoutMs = TIMEOUT_MS): void {
  const send = client.query.bind(client) as unknown as Send
  const { connection } = client as unknown as {
    connection: { stream: NodeJS.WritableStream & { destroy(error: Error): void } }
  }

  const timed: Send = (query, values, done) => {
    const timer = setTimeout(() => connection.stream.destroy(new Error('Query read timeout')), timeoutMs)
    return send(query, values, (error, result) => {
      clearTimeout(timer)
      if (isReadOnly(error)) connection.stream.destroy(error as Error)
      done?.(error, result)
    })
  }

  const answered = (query: unknown, values: unknown): Promise<unknown> =>
    new Promise((resolve, reject) => {
      void timed(query, values, (error, result) => {
        if (error) reject(error)
        else resolve(result)
      })
    })

  const ask: Send = async (query, values, done) => {
    if (done) return timed(query, values, done)
    try {
      return await answered(query, values)
    } catch (error) {
      // It tells of the socket; here it is known who asked.
      Error.captureStackTrace(error as Error)
      throw error
    }
  }
  client.query = ask as unknown as ClientBase['query']
}

/** For the queue's pool, which pg-boss fills. What it listens on must not be one: in a pipeline a silent connection never ends. */
export class QueueClient extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    super({ ...config, pipeline: true })
    this.on('error', () => undefined)
    callBack(this)
    prepareRepeated(this)
    setUp(this)
  }
}
