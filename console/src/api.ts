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

export const AGAIN = 'It is asked again by itself.'

export async function call<T>(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<T> {
  const response = await fetch(path, {
    method,
    headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  }).catch(() => {
    throw new Refused(0, 'The server does not answer', undefined)
  })
  const answer = (await response.json().catch(() => ({}))) as { error?: string; hint?: string }
  if (response.ok) return answer as T
  if (response.status === 401) signedOut.dispatchEvent(new Event('signed-out'))
  throw new Refused(response.status, answer.error ?? `The server answered ${response.status}.`, answer.hint)
}

/** Worth asking again, without anybody doing anything about it. */
export const passes = ({ status }: Refused) => status === 0 || status === 429 || status >= 500
export const AGAIN_MS = 3_000

/** For those who do ask again. */
export function saysSo(error: Refused): Refused {
  return error.status === 0 ? new Refused(0, error.message, AGAIN) : error
}

/** What a button does: nothing twice at a time, and why it was not done is said. */
export function useDeed() {
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<Refused>()
  const run = async (deed: () => Promise<unknown>) => {
    setBusy(true)
    setError(undefined)
    await deed().catch(setError)
    setBusy(false)
  }
  return { busy, error, run }
}

export interface Loaded<T> {
  data: T | undefined
  error: Refused | undefined
  again: () => void
}

/** Loads when the path changes, and again every `everyMs`, or when it failed; a null path loads nothing. */
export function useLoad<T>(path: string | null, everyMs?: number): Loaded<T> {
  const [state, setState] = useState<{ path: string | null; data?: T; error?: Refused }>({ path })
  const latest = useRef(path)
  latest.current = path
  const asked = useRef(0)
  const again = useCallback(() => {
    if (path === null) return
    asked.current += 1
    call<T>('GET', path)
      .then(
        (data) => latest.current === path && setState({ path, data }),
        (error: Refused) =>
          latest.current === path &&
          // What was seen before stays, unless it is gone.
          setState((old) => ({
            ...(old.path === path && error.status !== 404 ? old : { path }),
            error: saysSo(error),
          })),
      )
      .finally(() => (asked.current -= 1))
  }, [path])
  useEffect(again, [again])
  const current = state.path === path ? state : { path }
  const pause = everyMs ?? (current.error && passes(current.error) ? AGAIN_MS : undefined)
  useEffect(() => {
    if (pause === undefined) return
    // One that has not answered is not asked again: the connections are for what somebody does meanwhile.
    const askAgain = () => document.visibilityState === 'visible' && asked.current === 0 && again()
    const timer = setInterval(askAgain, pause)
    return () => clearInterval(timer)
  }, [again, pause])
  return { data: current.data, error: current.error, again }
}
