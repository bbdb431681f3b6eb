/** What the server tells as it happens. A lost connection comes back by itself, also after a restart of the server. */
import { useEffect, useState } from 'preact/hooks'

export type Status = 'connecting' | 'live' | 'away'

const AGAIN_MS = 1_500

export function useLive<T>(
  path: string | null,
  event: string,
  isLast?: (data: T) => boolean,
): { data: T | undefined; status: Status } {
  const [state, setState] = useState<{ path: string | null; data?: T; status: Status }>({ path, status: 'connecting' })
  useEffect(() => {
    if (path === null) return
    let source: EventSource | undefined
    let timer: ReturnType<typeof setTimeout> | undefined
    let over = false
    const set = (change: { data?: T; status: Status }) =>
      setState((old) => ({ path, ...(old.path === path && old.data !== undefined && { data: old.data }), ...change }))
    const open = () => {
      if (document.visibilityState === 'hidden') return
      source = new EventSource(path)
      source.onopen = () => set({ status: 'live' })
      source.addEventListener(event, (message) => {
        const data = JSON.parse((message as MessageEvent<string>).data) as T
        set({ data, status: 'live' })
        if (isLast?.(data)) {
          over = true
          source?.close()
        }
      })
      source.onerror = () => {
        if (over) return
        set({ status: 'away' })
        // The browser comes back by itself, except after an answer that is none of a stream.
        if (source?.readyState !== EventSource.CLOSED) return
        timer = setTimeout(open, AGAIN_MS)
      }
    }
    const close = () => {
      clearTimeout(timer)
      source?.close()
    }
    // Without TLS a browser has six connections to a server for all its tabs: those that nobody sees leave theirs.
    const onVisibility = () => {
      close()
      if (!over) open()
    }
    open()
    document.addEventListener('visibilitychange', onVisibility)
    return () => {
      document.removeEventListener('visibilitychange', onVisibility)
      close()
    }
  }, [path, event])
  return state.path === path ? { data: state.data, status: state.status } : { data: undefined, status: 'connecting' }
}
