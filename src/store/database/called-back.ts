/**
 * `pg` is asked with callbacks, and the promises are made here. Its own promises, and its own timeout, keep every statement and its
 * values until the garbage collector goes through the old generation: a fifth of a broadcast's CPU time went into that.
 */
import pg, { type ClientBase } from 'pg'
import { isReadOnly } from './away.ts'
import { prepareRepeated, type Send } from './prepared.ts'
import { setUp } from './session.ts'

/** A connection that does not answer for so long is taken for dead: it is closed, and all that was asked over it fails. */
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
      // The stack that it has leads to the socket; this one leads to whoever asked.
      Error.captureStackTrace(error as Error)
      throw error
    }
  }
  client.query = ask as unknown as ClientBase['query']
}

/** For the pool that pg-boss opens; not for the connection it listens on: in a pipeline, one that has fallen silent never ends. */
export class QueueClient extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    super({ ...config, pipeline: true })
    this.on('error', () => undefined)
    callBack(this)
    prepareRepeated(this)
    setUp(this)
  }
}
