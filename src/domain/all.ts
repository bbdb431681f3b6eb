/**
 * All of them to their end, also when one fails: while a sibling's request is under way, the work must not go back to
 * the queue, where another would find it begun and repeat it.
 */
export async function all<const T extends readonly Promise<unknown>[]>(promises: T): Promise<Outcomes<T>> {
  const outcomes = await Promise.allSettled(promises)
  const failed = outcomes.filter((outcome) => outcome.status === 'rejected')
  const cause =
    failed.find((outcome) => !CONSEQUENCES.has((outcome.reason as { code?: string }).code ?? '')) ?? failed[0]
  if (cause) throw cause.reason
  return outcomes.map((outcome) => (outcome as PromiseFulfilledResult<unknown>).value) as Outcomes<T>
}

/**
 * PostgreSQL's codes for a statement that fails only because one before it in the same transaction did: the transaction is
 * aborted (25P02), and so the prepared statement that it names was never made (26000).
 */
const CONSEQUENCES = new Set(['25P02', '26000'])

type Outcomes<T extends readonly Promise<unknown>[]> = { -readonly [K in keyof T]: Awaited<T[K]> }
