/** Keys of other backends: made, shown once, renewed, and taken back. */
import { useState } from 'preact/hooks'
import { call, useDeed, useLoad } from '../api.ts'
import { plain } from '../format.ts'
import { Ask } from '../parts/ask.tsx'
import { Empty, Time, Trouble, Waiting } from '../parts/bits.tsx'
import { to } from '../router.ts'
import type { ServerKey } from '../types.ts'
import { type Made, NewKey, Secret } from './key-made.tsx'

export function KeysSection() {
  const loaded = useLoad<{ keys: ServerKey[] }>('/api/operator/keys', 10_000)
  const [making, setMaking] = useState(false)
  const [made, setMade] = useState<Made>()
  const keys = loaded.data?.keys
  const show = (one: Made) => {
    setMaking(false)
    setMade(one)
    loaded.again()
  }
  const create = (
    <button type="button" class="primary" onClick={() => setMaking(true)}>
      Create a key
    </button>
  )
  return (
    <>
      <div class="head">
        <h1>Keys</h1>
        {!making && keys !== undefined && keys.length > 0 && create}
      </div>
      {loaded.error && <Trouble error={loaded.error} again={loaded.again} />}
      {made && <Secret key={made.secret} made={made} onPutAway={() => setMade(undefined)} />}
      {making && <NewKey onMade={show} onBack={() => setMaking(false)} />}
      {keys === undefined ? (
        !loaded.error && <Waiting rows={3} />
      ) : keys.length === 0 ? (
        !making && (
          <Empty title="No keys yet" action={create}>
            Another backend shows one to send notifications, to read how they went, or to call for its users.
          </Empty>
        )
      ) : (
        <ul class="list keys">
          {keys.map((one) => (
            <KeyRow key={one.id} one={one} onMade={show} again={loaded.again} />
          ))}
        </ul>
      )}
    </>
  )
}

function stateOf({ revoked_at, expires_at }: ServerKey): 'Active' | 'Revoked' | 'Expired' {
  if (revoked_at !== null) return 'Revoked'
  return expires_at !== null && Date.parse(expires_at) <= Date.now() ? 'Expired' : 'Active'
}

function KeyRow({ one, onMade, again }: { one: ServerKey; onMade: (made: Made) => void; again: () => void }) {
  const [asking, setAsking] = useState<'rotate' | 'revoke'>()
  const { busy, error, run } = useDeed()
  const act = (deed: () => Promise<unknown>) => {
    setAsking(undefined)
    void run(deed)
  }
  return (
    <li>
      <div class="what">
        <strong>{plain(one.name)}</strong>
        <span class="token dim">{one.prefix}…</span>
      </div>
      <div class="badges">
        {one.scopes.map((scope) => (
          <span class="badge" key={scope}>
            {scope}
          </span>
        ))}
      </div>
      <KeyTimes one={one} />
      <KeyButtons one={one} busy={busy} ask={setAsking} />
      {error && <Trouble error={error} />}
      {asking === 'rotate' && (
        <Rotate
          one={one}
          onYes={(grace_seconds) =>
            act(() => call<Made>('POST', `/api/operator/keys/${one.id}/rotate`, { grace_seconds }).then(onMade))
          }
          onNo={() => setAsking(undefined)}
        />
      )}
      {asking === 'revoke' && (
        <Ask
          title={`Revoke ${plain(one.name)}?`}
          verb="Revoke it for good"
          danger
          onYes={() => act(() => call('DELETE', `/api/operator/keys/${one.id}`).then(again))}
          onNo={() => setAsking(undefined)}
        >
          <p>Whoever shows it is turned away from now on. A revoked key does not come back.</p>
        </Ask>
      )}
    </li>
  )
}

interface Buttons {
  one: ServerKey
  busy: boolean
  ask: (what: 'rotate' | 'revoke') => void
}

function KeyButtons({ one, busy, ask }: Buttons) {
  const state = stateOf(one)
  return (
    <div class="buttons">
      {state === 'Active' ? (
        <>
          <button
            type="button"
            class="small"
            disabled={busy}
            onClick={() => ask('rotate')}
            aria-label={`Rotate ${one.name}`}
          >
            Rotate
          </button>
          <button
            type="button"
            class="small danger-quiet"
            disabled={busy}
            onClick={() => ask('revoke')}
            aria-label={`Revoke ${one.name}`}
          >
            Revoke
          </button>
        </>
      ) : (
        <span class="badge bad">{state}</span>
      )}
    </div>
  )
}

function KeyTimes({ one }: { one: ServerKey }) {
  return (
    <p class="dim times">
      {one.last_used_at === null ? (
        'never used'
      ) : (
        <a href={to('audit', 'by', `key:${one.id}`)} title="What it did">
          used <Time at={one.last_used_at} />
        </a>
      )}
      {one.revoked_at === null ? (
        one.expires_at !== null && (
          <span>
            until <Time at={one.expires_at} />
          </span>
        )
      ) : (
        <span>
          revoked <Time at={one.revoked_at} />
        </span>
      )}
    </p>
  )
}

const graces = [
  [0, 'It ends at once'],
  [3_600, 'One more hour'],
  [86_400, 'One more day'],
  [7 * 86_400, 'One more week'],
] as const

function Rotate({ one, onYes, onNo }: { one: ServerKey; onYes: (seconds: number) => void; onNo: () => void }) {
  const [grace, setGrace] = useState(3_600)
  return (
    <Ask title={`A new secret for ${plain(one.name)}?`} verb="Make a new secret" onYes={() => onYes(grace)} onNo={onNo}>
      <label class="field">
        <span>The old secret</span>
        <select value={grace} onChange={(event) => setGrace(Number(event.currentTarget.value))}>
          {graces.map(([seconds, words]) => (
            <option value={seconds} key={seconds}>
              {words}
            </option>
          ))}
        </select>
      </label>
    </Ask>
  )
}
