/** Finding a person by id, name or push token. */
import { useEffect, useState } from 'preact/hooks'
import { useLoad } from '../api.ts'
import { counted } from '../format.ts'
import { Empty, Given, Trouble, Waiting } from '../parts/bits.tsx'
import { Icon } from '../parts/icons.tsx'
import { to, useKept } from '../router.ts'
import type { Found } from '../types.ts'

const TYPED_FOR_MS = 200

export function PeopleSection() {
  const [written, setWritten] = useKept('written', '')
  const [asked, setAsked] = useState(written.trim())
  useEffect(() => {
    const timer = setTimeout(() => setAsked(written.trim()), TYPED_FOR_MS)
    return () => clearTimeout(timer)
  }, [written])
  const found = useLoad<{ people: Found[]; more: boolean }>(
    asked === '' ? null : `/api/operator/people?search=${encodeURIComponent(asked)}`,
  )
  return (
    <>
      <div class="head">
        <h1>People</h1>
      </div>
      <label class="search">
        <Icon name="search" />
        <span class="visually-hidden">Find a person</span>
        <input
          type="search"
          autofocus
          placeholder="User id, name or push token: its beginning is enough"
          value={written}
          onInput={(event) => setWritten(event.currentTarget.value)}
        />
      </label>
      {found.error && <Trouble error={found.error} again={found.again} />}
      {asked === '' ? (
        <Empty title="Whom are you looking for?">
          Type the beginning of a user id, a name or a push token. From there you see their devices, and why one of them
          did not ring.
        </Empty>
      ) : found.data === undefined ? (
        !found.error && <Waiting rows={3} />
      ) : found.data.people.length === 0 ? (
        <Empty title="Nobody found">
          No user id, name or push token begins with “<Given text={asked} />
          ”.
        </Empty>
      ) : (
        <Hits {...found.data} />
      )}
    </>
  )
}

function Hits({ people, more }: { people: Found[]; more: boolean }) {
  return (
    <>
      <ul class="list people">
        {people.map((one) => (
          <li key={one.user_id}>
            <a href={to('people', one.user_id)}>
              <Face id={one.user_id} name={one.name} />
              <span class="what">
                <strong>
                  <Given text={one.name ?? one.user_id} />
                </strong>
                <span class="dim">
                  <Given text={one.user_id} />
                  {one.push_token && ` · ${one.push_token}`}
                </span>
              </span>
              <span class="dim">{counted(one.devices, 'device')}</span>
            </a>
          </li>
        ))}
      </ul>
      <p class="dim" role="status">
        {more && `Here are ${people.length}. There may be more: type more of the id, the name or the push token.`}
      </p>
    </>
  )
}

/** A letter on one of a few colours, always the same for the same person. */
export function Face({ id, name }: { id: string; name: string | null }) {
  let sum = 0
  for (const letter of id) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 997
  const [letter = '?'] = name ?? id
  return (
    <span class={`face tone-${sum % 6}`} aria-hidden="true">
      {letter.toUpperCase()}
    </span>
  )
}
