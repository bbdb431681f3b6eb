/** PGlite in a thread of its own: while it works, nobody else there does, and the program goes on. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { PGliteOptions, Transaction } from '@electric-sql/pglite'
import { KeepingPGlite } from './pglite.ts'

/** What is asked. A transaction is called by the number of the question that began it. */
export type Question =
  | { kind: 'query'; text: string; values?: readonly unknown[]; transaction?: number }
  | { kind: 'exec'; text: string }
  | { kind: 'begin' }
  | { kind: 'end'; transaction: number; commit: boolean }
  | { kind: 'listen'; channel: string }
  | { kind: 'close' }

export type Asked = Question & { number: number }
export type Answer = { number: number } & ({ value: unknown } | { error: ErrorFields })
export type Notice = { channel: string; payload: string }

/** An error that is sent to another thread as it is loses its code. */
type ErrorFields = Record<string, string | number>

interface Open {
  tx: Transaction
  /** Resolves when the database has done it. */
  end(commit: boolean): Promise<void>
}

class RolledBack extends Error {}

/** As of a process that has called abort(). */
const ABORTED = 134

function serve(port: MessagePort, pglite: KeepingPGlite): void {
  /** What belongs to one may come before it has begun. */
  const transactions = new Map<number, Promise<Open>>()

  async function answer(asked: Asked): Promise<unknown> {
    switch (asked.kind) {
      case 'query': {
        const { text, values, transaction } = asked
        const on = transaction === undefined ? pglite : (await transactions.get(transaction))?.tx
        if (!on) throw new Error('the transaction has ended')
        return on.query(text, values as unknown[])
      }
      case 'exec':
        return pglite.exec(asked.text)
      case 'begin': {
        const begun = begin(pglite)
        transactions.set(asked.number, begun)
        return void (await begun)
      }
      case 'end': {
        const open = transactions.get(asked.transaction)
        transactions.delete(asked.transaction)
        return (await open)?.end(asked.commit)
      }
      case 'listen': {
        const { channel } = asked
        await pglite.listen(channel, (payload) => port.postMessage({ channel, payload } satisfies Notice))
        return
      }
      case 'close':
        return pglite.close()
    }
  }

  port.on('message', (asked: Asked) => {
    const { number } = asked
    answer(asked).then(
      (value) => port.postMessage({ number, value } satisfies Answer),
      (error: unknown) => port.postMessage({ number, error: fieldsOf(error) } satisfies Answer),
    )
  })
}

function begin(pglite: KeepingPGlite): Promise<Open> {
  return new Promise((resolve, reject) => {
    const { promise: isOver, resolve: commit, reject: rollBack } = Promise.withResolvers<void>()
    const done = pglite.transaction(async (tx) => {
      resolve({ tx, end })
      await isOver
    })
    done.catch(reject)

    async function end(isGood: boolean): Promise<void> {
      if (isGood) commit()
      else rollBack(new RolledBack())
      await done.catch((error: unknown) => {
        if (!(error instanceof RolledBack)) throw error
      })
    }
  })
}

function fieldsOf(error: unknown): ErrorFields {
  if (!(error instanceof Error)) return { message: String(error) }
  const fields = Object.entries(error).filter(([, value]) => typeof value === 'string' || typeof value === 'number')
  return { ...(Object.fromEntries(fields) as ErrorFields), name: error.name, message: error.message }
}

if (parentPort) {
  const pglite = new KeepingPGlite(workerData as PGliteOptions)
  // Ends this thread within the call, before anything more is written. Of one that cannot even be opened, whoever asks is told.
  pglite.whenAborted(() => process.exit(ABORTED)).catch(() => undefined)
  serve(parentPort, pglite)
}
