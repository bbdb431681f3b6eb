/** A key is made: what it may do, and its secret, which is shown this once. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { call, useDeed } from '../api.ts'
import { plain } from '../format.ts'
import { Card, Trouble } from '../parts/bits.tsx'
import { Icon } from '../parts/icons.tsx'
import type { Scope, ServerKey } from '../types.ts'

export interface Made {
  key: ServerKey
  secret: string
}

const scopes: [scope: Scope, words: string][] = [
  ['send', 'Send notifications, and pause or cancel its own'],
  ['read', 'See notifications and what became of them'],
  ['users', 'Call as any user: register devices, post, write messages'],
]
const DAY_MS = 86_400_000
const lives = [
  [0, 'Until it is revoked'],
  [30, '30 days'],
  [90, '90 days'],
  [365, 'A year'],
] as const

export function NewKey({ onMade, onBack }: { onMade: (made: Made) => void; onBack: () => void }) {
  const [name, setName] = useState('')
  const [may, setMay] = useState<Scope[]>(['send'])
  const [days, setDays] = useState(0)
  const { busy, error, run } = useDeed()
  const make = () => {
    const expires_at = days === 0 ? undefined : new Date(Date.now() + days * DAY_MS).toISOString()
    return call<Made>('POST', '/api/operator/keys', { name, scopes: may, expires_at }).then(onMade)
  }
  return (
    <Card title="A new key">
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault()
          void run(make)
        }}
      >
        <label class="field">
          <span>Name: which backend is it for?</span>
          <input
            ref={useFocus<HTMLInputElement>()}
            required
            maxLength={100}
            value={name}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </label>
        <Scopes may={may} set={setMay} />
        <label class="field">
          <span>It holds</span>
          <select value={days} onChange={(event) => setDays(Number(event.currentTarget.value))}>
            {lives.map(([value, words]) => (
              <option value={value} key={value}>
                {words}
              </option>
            ))}
          </select>
        </label>
        {error && <Trouble error={error} />}
        <div class="buttons">
          <button type="button" onClick={onBack}>
            Back
          </button>
          <button type="submit" class="primary" disabled={busy || name.trim() === '' || may.length === 0}>
            Create it
          </button>
        </div>
      </form>
    </Card>
  )
}

/** Goes to what has just come. */
function useFocus<Of extends HTMLElement>() {
  const ref = useRef<Of>(null)
  useLayoutEffect(() => ref.current?.focus(), [])
  return ref
}

function Scopes({ may, set }: { may: Scope[]; set: (scopes: Scope[]) => void }) {
  const toggle = (scope: Scope) => set(may.includes(scope) ? may.filter((one) => one !== scope) : [...may, scope])
  return (
    <fieldset>
      <legend>It may</legend>
      {scopes.map(([scope, words]) => (
        <label class="check" key={scope}>
          <input type="checkbox" checked={may.includes(scope)} onChange={() => toggle(scope)} />
          <span>
            <strong>{scope}</strong> <span class="dim">{words}</span>
          </span>
        </label>
      ))}
    </fieldset>
  )
}

export function Secret({ made, onPutAway }: { made: Made; onPutAway: () => void }) {
  const [said, setSaid] = useState('')
  const copy = () =>
    navigator.clipboard.writeText(made.secret).then(
      () => setSaid('Copied.'),
      () => setSaid('This browser does not let it be copied from here. Mark it and copy it by hand.'),
    )
  return (
    <section
      class="answer secret"
      aria-label={`The secret of ${made.key.name}`}
      tabIndex={-1}
      ref={useFocus<HTMLElement>()}
    >
      <h2>The secret of {plain(made.key.name)}</h2>
      <p>It is shown this once, and kept nowhere. Put it where that backend reads its secrets.</p>
      <pre tabIndex={0}>{made.secret}</pre>
      <div class="buttons">
        <span class="dim" role="status">
          {said}
        </span>
        <button type="button" onClick={() => void copy()}>
          <Icon name="copy" /> Copy
        </button>
        <button type="button" class="primary" onClick={onPutAway}>
          I have put it away
        </button>
      </div>
    </section>
  )
}
