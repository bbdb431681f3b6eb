/** Addresses are behind the `#`, so that the server needs to know one page only. */
import { useEffect, useLayoutEffect, useState } from 'preact/hooks'
import { plain } from './format.ts'

export interface Route {
  /** `people`, `people/alice`: its parts, decoded. */
  parts: string[]
}

/** What an entry of the tab's history holds: back, forward and reload bring it again. */
interface Entry {
  /** The page whose link led here; null: the tab began here. */
  from?: string | null
  /** How far down somebody was. */
  top?: number
  /** What somebody chose on the page, by name. */
  kept?: Record<string, unknown>
}

const entry = () => (history.state ?? {}) as Entry
const note = (more: Entry) => history.replaceState({ ...entry(), ...more }, '')

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
    if (entry().from === undefined) note({ from: null })
    const onChange = ({ oldURL }: HashChangeEvent) => {
      if (entry().from === undefined) note({ from: new URL(oldURL).hash })
      setRoute(read())
    }
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

/** A link to where somebody came from is a step back: to what was chosen there, and as far down. */
export function stepBack(event: MouseEvent): void {
  const isPlain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey
  if (!isPlain || entry().from !== (event.currentTarget as HTMLAnchorElement).hash) return
  event.preventDefault()
  history.back()
}

export function useKept<T>(name: string, initial: T): [kept: T, keep: (value: T) => void] {
  const [value, setValue] = useState<T>(() => (entry().kept?.[name] as T | undefined) ?? initial)
  const keep = (value: T) => {
    note({ kept: { ...entry().kept, [name]: value } })
    setValue(value)
  }
  return [value, keep]
}

/** As far down as one was, as soon as the page is long enough: browsers do not wait for what is still loaded. */
export function usePlace(address: string): void {
  useLayoutEffect(() => {
    history.scrollRestoration = 'manual'
    const { top = 0 } = entry()
    scrollTo(0, top)
    const keep = () => note({ top: scrollY })
    const leavings = ['click', 'pagehide']
    const grows = new ResizeObserver(() => (scrollY < top - 1 ? scrollTo(0, top) : isThere()))
    const isThere = () => {
      grows.disconnect()
      for (const leaving of leavings) addEventListener(leaving, keep, true)
    }
    const hands = ['wheel', 'touchmove', 'keydown', 'pointerdown']
    for (const hand of hands) addEventListener(hand, isThere, { once: true })
    grows.observe(document.body)
    return () => {
      grows.disconnect()
      for (const leaving of leavings) removeEventListener(leaving, keep, true)
      for (const hand of hands) removeEventListener(hand, isThere)
    }
  }, [address])
}

/**
 * Of the tab, and in the browser's history.
 * @param address where it is set anew, also when the words are the same.
 */
export function useTitle(words: string | undefined, address?: string): void {
  useEffect(() => {
    if (words !== undefined) document.title = `${plain(words)} · Belfry`
  }, [words, address])
}
