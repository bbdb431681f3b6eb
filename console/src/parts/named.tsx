/** Who or what is meant by a word of the books: `user:alice` leads to her, `notification:…` to it. */
import { useLoad } from '../api.ts'
import { to } from '../router.ts'
import type { ServerKey } from '../types.ts'
import { Given } from './bits.tsx'

type Names = ReadonlyMap<string, string>

/** Keys are known by their ids in the books, and by their names to people. */
export function useKeyNames(): Names {
  const { data } = useLoad<{ keys: ServerKey[] }>('/api/operator/keys')
  return new Map(data?.keys.map((key) => [key.id, key.name]))
}

/** @param name what the book itself says, for a key that is not there any more. */
export function Named({ word, names, name }: { word: string; names: Names; name?: string }) {
  const [kind = '', ...rest] = word.split(':')
  const id = rest.join(':')
  if (kind === 'user')
    return (
      <a href={to('people', id)}>
        <Given text={id} />
      </a>
    )
  if (kind === 'notification') return <a href={to('notifications', id)}>notification …{id.slice(-6)}</a>
  if (kind === 'key')
    return (
      <a href={to('keys')}>
        key <Given text={names.get(id) ?? name ?? `…${id.slice(-6)}`} />
      </a>
    )
  if (kind === 'alarm') return <a href={to('alarms')}>alarm {id}</a>
  if (kind === 'folder')
    return (
      <>
        folder <Given text={id} />
      </>
    )
  return <Given text={word.replaceAll('_', ' ')} />
}

/** A notification says it otherwise: `operator`, `server <id of its key>`, or the id of a user. */
export function Creator({ by, names }: { by: string; names: Names }) {
  if (by === 'operator') return <>operator</>
  return <Named word={by.startsWith('server ') ? by.replace('server ', 'key:') : `user:${by}`} names={names} />
}
