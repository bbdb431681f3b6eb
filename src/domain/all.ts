/**
 * All of them to their end, also when one fails: while a sibling's request is under way, the work must not go back to
 * the queue, where another would find it begun and repeat it.
 */
export async function all<const T extends readonly Promise<unknown>[]>(promises: T): Promise<Outcomes<T>> {
  const outcomes = await Promise.allSettled(promises)
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failed) throw failed.reason
  return outcomes.map((outcome) => (outcome as PromiseFulfilledResult<unknown>).value) as Outcomes<T>
}

type Outcomes<T extends readonly Promise<unknown>[]> = { -readonly [K in keyof T]: Awaited<T[K]> }
