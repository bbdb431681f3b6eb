/** Addresses are behind the `#`, so that the server needs to know one page only. */
import { useLayoutEffect, useState } from 'preact/hooks'

export interface Route {
  /** `people`, `people/alice`: its parts, decoded. */
  parts: string[]
}

function read(): Route {
  const path = location.hash.replace(/^#?\/*|\/*$/g, '')
  return { parts: path === '' ? ['now'] : path.split('/').map((part) => decode(part)) }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

export function useRoute(): Route {
  const [route, setRoute] = useState(read)
  // At once: on a busy machine an address that changes before the first effects have run would be missed.
  useLayoutEffect(() => {
    const onChange = () => setRoute(read())
    addEventListener('hashchange', onChange)
    return () => removeEventListener('hashchange', onChange)
  }, [])
  return route
}

export function to(...parts: string[]): string {
  return `#/${parts.map(encodeURIComponent).join('/')}`
}

export function go(...parts: string[]): void {
  location.hash = to(...parts)
}

/** What somebody chose on a page: back, forward and reload bring it again. */
export function useKept<T>(initial: T): [kept: T, keep: (value: T) => void] {
  const [value, setValue] = useState<T>(() => (history.state as T | null) ?? initial)
  const keep = (value: T) => {
    history.replaceState(value, '')
    setValue(value)
  }
  return [value, keep]
}
