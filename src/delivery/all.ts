/**
 * All of them to their end, also when one fails: while a sibling's request is under way, the work must not go back to
 * the queue, where another would find it begun and repeat it.
 */
export async function all<T>(promises: Iterable<Promise<T>>): Promise<T[]> {
  const outcomes = await Promise.allSettled(promises)
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failed) throw failed.reason
  return outcomes.map((outcome) => (outcome as PromiseFulfilledResult<T>).value)
}
