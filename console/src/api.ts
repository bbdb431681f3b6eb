/** Calls to the server. What it refuses comes back as an error that carries its own words. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'

export class Refused extends Error {
  readonly status: number
  readonly hint: string | undefined
  constructor(status: number, sentence: string, hint: string | undefined) {
    super(sentence)
    this.status = status
    this.hint = hint
  }
}

/** Told when the session has ended, wherever that shows first. */
export const signedOut = new EventTarget()

export async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(path, {
    method,
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  }).catch(() => {
    throw new Refused(0, 'The server does not answer.', 'It is tried again by itself where that is safe.')
  })
  const answer = (await response.json().catch(() => ({}))) as { error?: string; hint?: string }
  if (response.ok) return answer as T
  if (response.status === 401) signedOut.dispatchEvent(new Event('signed-out'))
  throw new Refused(response.status, answer.error ?? `The server answered ${response.status}.`, answer.hint)
}

export interface Loaded<T> {
  data: T | undefined
  error: Refused | undefined
  again: () => void
}

/** Loads when the path changes, and again every `everyMs`; a null path loads nothing. */
export function useLoad<T>(path: string | null, everyMs?: number): Loaded<T> {
  const [state, setState] = useState<{ path: string | null; data?: T; error?: Refused }>({ path })
  const latest = useRef(path)
  latest.current = path
  const again = useCallback(() => {
    if (path === null) return
    call<T>('GET', path).then(
      (data) => latest.current === path && setState({ path, data }),
      (error: Refused) =>
        latest.current === path &&
        // What was seen before stays, unless it is gone.
        setState((old) => (old.path === path && error.status !== 404 ? { ...old, error } : { path, error })),
    )
  }, [path])
  useEffect(() => {
    again()
    if (everyMs === undefined) return
    const timer = setInterval(() => document.visibilityState === 'visible' && again(), everyMs)
    return () => clearInterval(timer)
  }, [again, everyMs])
  const current = state.path === path ? state : { path }
  return { data: current.data, error: current.error, again }
}
