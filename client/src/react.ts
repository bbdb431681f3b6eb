/** One component around the app and one hook inside it; or the hook alone. */
import {
  createContext,
  createElement,
  type ReactElement,
  type ReactNode,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useSyncExternalStore,
} from 'react'
import { Belfry, type BelfryOptions } from './belfry.ts'
import type { BelfryState } from './state.ts'

export interface UseBelfry extends BelfryState, Pick<Belfry, 'askPermission' | 'logIn' | 'logOut' | 'setViewing'> {
  belfry: Belfry
}

const Context = createContext<Belfry | null>(null)

export function BelfryProvider({ children, ...options }: BelfryOptions & { children?: ReactNode }): ReactElement {
  return createElement(Context.Provider, { value: useOwn(options) }, children)
}

/** Without options: that of the provider around. With options: one of its own, for as long as the component is there. */
export function useBelfry(options?: BelfryOptions): UseBelfry {
  const around = useContext(Context)
  const own = useOwn(options)
  const belfry = own ?? around
  if (belfry === null) throw new Error('useBelfry needs a BelfryProvider around it, or options')
  const state = useSyncExternalStore(belfry.subscribe, belfry.getState, belfry.getState)
  return useMemo(() => ({ ...state, ...actionsOf(belfry), belfry }), [state, belfry])
}

/** While the component is there, notifications of what it shows are not shown over it. */
export function useViewing(data: Record<string, string>): void {
  const belfry = useContext(Context)
  const text = JSON.stringify(data)
  useEffect(() => {
    belfry?.setViewing(JSON.parse(text) as Record<string, string>)
    return () => belfry?.setViewing(null)
  }, [belfry, text])
}

function useOwn(options: BelfryOptions): Belfry
function useOwn(options: BelfryOptions | undefined): Belfry | null
function useOwn(options: BelfryOptions | undefined): Belfry | null {
  const latest = useRef(options)
  useEffect(() => void (latest.current = options))
  const { baseUrl, projectId } = options ?? {}
  const belfry = useMemo(() => {
    if (baseUrl === undefined) return null
    const now = () => latest.current!
    // The functions may be new at every render; those of the latest are called.
    return new Belfry({
      ...now(),
      getAuthToken: () => now().getAuthToken(),
      onTap: (tap) => now().onTap?.(tap),
      navigate: (path) => now().navigate?.(path),
      ...(now().onForeground && { onForeground: (one) => now().onForeground?.(one) ?? 'show' }),
    })
  }, [baseUrl, projectId])
  useEffect(() => belfry?.start(), [belfry])
  return belfry
}

function actionsOf(belfry: Belfry): Pick<Belfry, 'askPermission' | 'logIn' | 'logOut' | 'setViewing'> {
  return {
    askPermission: (options) => belfry.askPermission(options),
    logIn: () => belfry.logIn(),
    logOut: () => belfry.logOut(),
    setViewing: (data) => belfry.setViewing(data),
  }
}
