/** Who did what to whom, newest first. */
import { useEffect, useState } from 'preact/hooks'
import { plain } from '../format.ts'
import { usePages } from '../pages.ts'
import { Empty, Time, Trouble, Waiting } from '../parts/bits.tsx'
import { Named, useKeyNames } from '../parts/named.tsx'
import { useKept } from '../router.ts'
import type { AuditEntry } from '../types.ts'

const TYPED_FOR_MS = 250
const EVERY_MS = 5_000

interface Asked {
  actor: string
  action: string
  subject: string
}

/** What the address asks for, such as `user:alice`. */
type OfAddress = Partial<Pick<Asked, 'actor' | 'subject'>>

export function AuditSection({ actor = '', subject = '' }: OfAddress) {
  const [asked, setAsked] = useKept<Asked>('asked', { actor, action: '', subject })
  const query = useSettled(queryOf(asked))
  return (
    <>
      <div class="head">
        <h1>Audit</h1>
      </div>
      <Filters asked={asked} set={(change) => setAsked({ ...asked, ...change })} />
      <Entries query={query} isAll={query === queryOf({ actor: '', action: '', subject: '' })} />
    </>
  )
}

function queryOf(asked: Asked): string {
  const words = Object.entries(asked).filter(([, word]) => word.trim() !== '')
  return new URLSearchParams([
    ['limit', '50'],
    ...words.map(([name, word]) => [name, word.trim()] as [string, string]),
  ]).toString()
}

/** What was typed, once nobody has typed for a moment. */
function useSettled(value: string): string {
  const [settled, setSettled] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), TYPED_FOR_MS)
    return () => clearTimeout(timer)
  }, [value])
  return settled
}

const actions: [value: string, words: string][] = [
  ['', 'Everything'],
  ['notification.*', 'Notifications'],
  ['push_token*', 'Push tokens'],
  ['key.*', 'Keys'],
  ['alarm.*', 'Alarms'],
  ['suspended.*', 'Suspended push tokens'],
  ['user.*', 'Exports and erasures'],
  ['database.*', 'Moves of the database'],
  ['console.*', 'Sign-ins'],
]

function Filters({ asked, set }: { asked: Asked; set: (change: Partial<Asked>) => void }) {
  return (
    <div class="filters" role="search">
      <label class="field">
        <span>Who</span>
        <input
          placeholder="operator, user:…, key:…"
          value={asked.actor}
          onInput={(event) => set({ actor: event.currentTarget.value })}
        />
      </label>
      <label class="field">
        <span>Did what</span>
        <select value={asked.action} onChange={(event) => set({ action: event.currentTarget.value })}>
          {actions.map(([value, words]) => (
            <option value={value} key={value}>
              {words}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        <span>To whom</span>
        <input
          placeholder="user:alice, or user:al*"
          value={asked.subject}
          onInput={(event) => set({ subject: event.currentTarget.value })}
        />
      </label>
    </div>
  )
}

function Entries({ query, isAll }: { query: string; isAll: boolean }) {
  const { all, older, error, again } = usePages<AuditEntry>(`/api/operator/audit?${query}`, 'entries', EVERY_MS)
  const names = useKeyNames()
  return (
    <>
      {error && <Trouble error={error} again={again} />}
      {all === undefined ? (
        !error && <Waiting rows={7} />
      ) : all.length === 0 ? (
        <Empty title={isAll ? 'Nothing yet' : 'Nothing like that'}>
          {isAll
            ? 'What operators, keys and the program itself do will stand here for a year.'
            : 'Words are compared whole; with a * behind it, the beginning is enough.'}
        </Empty>
      ) : (
        <ul class="list trail">
          {all.map((one) => (
            <Entry key={one.id} one={one} names={names} />
          ))}
        </ul>
      )}
      {older && (
        <button type="button" class="wide" onClick={older}>
          Show older ones
        </button>
      )}
    </>
  )
}

const verbs: Record<string, string> = {
  'push_token.move': 'took over a push token of',
  'push_tokens.import': 'imported',
  'push_tokens.export': 'exported whole',
  'suspended.restore': 'brought suspended push tokens back:',
  'notification.send': 'sent',
  'notification.test': 'sent a test push to',
  'notification.pause': 'paused',
  'notification.resume': 'resumed',
  'notification.cancel': 'cancelled',
  'key.create': 'created',
  'key.rotate': 'made a new secret for',
  'key.revoke': 'revoked',
  'alarm.confirm': 'confirmed',
  'alarm.release': 'released',
  'database.move': 'moved everything here from the',
  'user.export': 'exported all about',
  'user.erase': 'erased a person',
  'console.sign_in': 'signed in at the',
  'console.sign_in_failed': 'failed to sign in at the',
}

function Entry({ one, names }: { one: AuditEntry; names: ReadonlyMap<string, string> }) {
  // A key has a name, and whoever is erased has none.
  const { name, ...detail } = one.detail
  const more = detailWords(one.subject.startsWith('key:') ? detail : one.detail)
  return (
    <li>
      <Time at={one.at} />
      <p>
        <strong>
          <Named word={one.actor} names={names} />
        </strong>{' '}
        {verbs[one.action] ?? one.action}{' '}
        {one.subject !== 'erased' && (
          <Named word={one.subject} names={names} {...(typeof name === 'string' && { name })} />
        )}
        {more !== '' && <span class="dim more"> {plain(more)}</span>}
      </p>
    </li>
  )
}

function detailWords(detail: Record<string, unknown>): string {
  return Object.entries(detail)
    .filter(([, value]) => value !== '' && value !== null && value !== 0)
    .map(([name, value]) => `${name.replaceAll('_', ' ')}: ${Array.isArray(value) ? value.join(', ') : String(value)}`)
    .join(' · ')
}
