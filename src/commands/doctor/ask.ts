/** One GET to the running server; what goes wrong is a value. */
import { TIMEOUT_MS } from './finding.ts'

export interface Answer {
  status: number
  body: object
}

export async function ask(url: string, key?: string): Promise<Answer | Error> {
  try {
    const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` }
    const response = await fetch(url, { headers, redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) })
    const body = (await response.json().catch(notJson)) as unknown
    return { status: response.status, body: typeof body === 'object' && body !== null ? body : {} }
  } catch (error) {
    return error as Error
  }
}

/** A body that does not come is no answer. */
function notJson(error: unknown): object {
  if (error instanceof SyntaxError) return {}
  throw error
}
