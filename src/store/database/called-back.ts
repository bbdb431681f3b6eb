/**
 * `pg` is called back, and what waits for it is given a promise here. Its own promises, and its own time limit, keep each
 * statement with all its values until the old generation of the garbage collector is collected: a fifth of a broadcast's
 * CPU time went into that.
 */
import type { ClientBase } from 'pg'
import type { Send } from './prepared.ts'

/** @param timeoutMs a connection that does not answer for so long is taken for dead, with all that was asked over it. */
export function callBack(client: ClientBase, timeoutMs: number): void {
  const send = client.query.bind(client) as unknown as Send
  const { connection } = client as unknown as {
    connection: { stream: NodeJS.WritableStream & { destroy(error: Error): void } }
  }

  const answered = (query: unknown, values: unknown): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => connection.stream.destroy(new Error('Query read timeout')), timeoutMs)
      void send(query, values, (error, result) => {
        clearTimeout(timer)
        if (error) reject(error)
        else resolve(result)
      })
    })

  const ask: Send = async (query, values, done) => {
    if (done) return send(query, values, done)
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
