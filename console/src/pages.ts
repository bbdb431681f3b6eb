/** A list, newest first: the first page is asked for all the time, older ones when somebody wants them. */
import { useEffect, useState } from 'preact/hooks'
import { call, type Refused, useLoad } from './api.ts'
import { useKept } from './router.ts'

interface Seen<One> {
  path: string
  all: One[]
  /** Behind what the older ones begin; null: there are none. */
  next: string | null
  /** How many there were when older ones were last asked for; 0: never. */
  grownFrom: number
}

/** Coming in above what somebody has leafed to; with more, the list begins anew. */
const MOST_NEW = 300

export interface Pages<One> {
  /** Undefined until the first page is there. */
  all: One[] | undefined
  older: (() => void) | undefined
  error: Refused | undefined
  /** What failed, once more. */
  again: () => void
}

/** @param path with its query. @param name of the list in the answer, beside `next`. */
export function usePages<One extends { id: string }>(path: string, name: string, everyMs: number): Pages<One> {
  type Page = { next: string | null } & Record<string, One[]>
  const first = useLoad<Page>(path, everyMs)
  const [seen, setSeen] = useState<Seen<One>>()
  const [error, setError] = useState<Refused>()
  const page = first.data
  useEffect(() => {
    if (page !== undefined) setSeen((old) => withNewest(old, path, page[name] ?? [], page.next))
  }, [page, path, name])
  useEffect(() => setError(undefined), [path])
  const current = seen?.path === path ? seen : undefined
  const next = current?.next ?? null
  // Who comes back finds as many as there were.
  const [kept, keep] = useKept('rows', { path, wanted: 0 })
  const loadOlder = () =>
    void call<Page>('GET', `${path}&before=${next}`).then((older) => {
      setError(undefined)
      setSeen((old) => {
        // Asked for twice, they come twice; and they fit behind what they were asked for only.
        if (old?.path !== path || old.next !== next) return old
        const all = [...old.all, ...(older[name] ?? [])]
        return { path, all, next: older.next, grownFrom: all.length }
      })
    }, setError)
  const has = current?.all.length ?? 0
  const isShort = next !== null && kept.path === path && has < kept.wanted
  useEffect(() => {
    if (isShort) loadOlder()
  }, [isShort, next])
  const older = () => (isShort ? loadOlder() : keep({ path, wanted: has + 1 }))
  return {
    all: current?.all,
    older: next === null ? undefined : older,
    error: first.error ?? error,
    again: first.error ? first.again : loadOlder,
  }
}

/** Nothing falls out between the first page, which moves on, and the older ones, which were read before. */
function withNewest<One extends { id: string }>(
  old: Seen<One> | undefined,
  path: string,
  newest: One[],
  next: string | null,
): Seen<One> {
  const anew = { path, all: newest, next, grownFrom: 0 }
  if (old?.path !== path || old.grownFrom === 0) return anew
  const ids = new Set(newest.map((one) => one.id))
  const rest = old.all.filter((one) => !ids.has(one.id))
  const touches = rest.length < old.all.length
  const all = [...newest, ...rest]
  return touches && all.length - old.grownFrom <= MOST_NEW ? { ...old, all } : anew
}
