/** Signing in with the operator key. */
import { useState } from 'preact/hooks'
import { call, useDeed } from '../api.ts'
import bell from '../bell.svg'
import { Trouble } from '../parts/bits.tsx'

export function SignIn({ onDone }: { onDone: () => void }) {
  const [key, setKey] = useState('')
  const { busy, error, run } = useDeed()
  const submit = (event: Event) => {
    event.preventDefault()
    void run(() => call('POST', '/console/sign-in', { key }).then(onDone))
  }
  return (
    <main class="sign-in">
      <form onSubmit={submit}>
        <img src={bell} alt="" width="56" height="56" />
        <h1>Belfry</h1>
        <p class="dim">See every notification on its way, and steer it.</p>
        <label class="field">
          <span>Operator key</span>
          <input
            type="password"
            name="key"
            autocomplete="current-password"
            required
            autofocus
            value={key}
            onInput={(event) => setKey(event.currentTarget.value)}
          />
        </label>
        {error && <Trouble error={error} />}
        <button type="submit" class="primary wide" disabled={busy}>
          {busy ? 'Signing in…' : 'Sign in'}
        </button>
        <p class="hint">
          It is what <code>OPERATOR_KEY</code> says. When that is not set, the server made one: the file is named when
          it starts, usually <code>data/operator-key</code>.
        </p>
      </form>
    </main>
  )
}
