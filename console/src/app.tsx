/** The frame around every section: who is signed in, where one is, and whether the server is there. */
import { useEffect, useErrorBoundary, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { AGAIN_MS, call, type Refused, saysSo, signedOut, useDeed } from './api.ts'
import bell from './bell.svg'
import { type Status, useLive } from './live.ts'
import { Trouble } from './parts/bits.tsx'
import { Icon, type IconName } from './parts/icons.tsx'
import { Broken, NoSuchPage } from './parts/nothing-here.tsx'
import { to, usePlace, useRoute, useTitle } from './router.ts'
import { AlarmsSection } from './sections/alarms.tsx'
import { AuditSection } from './sections/audit.tsx'
import { ComposeSection, type Drafting } from './sections/compose.tsx'
import { emptyDraft, useDraft } from './sections/draft.ts'
import { ExplainSection } from './sections/explain.tsx'
import { KeysSection } from './sections/keys.tsx'
import { NotificationSection } from './sections/notification.tsx'
import { NotificationsSection } from './sections/notifications.tsx'
import { NowSection } from './sections/now.tsx'
import { PeopleSection } from './sections/people.tsx'
import { PersonSection } from './sections/person.tsx'
import { SignIn } from './sections/sign-in.tsx'
import type { Now } from './types.ts'

interface Session {
  signed_in: boolean
  mode: 'sandbox' | 'expo'
  version: string
}

export function App() {
  const [session, setSession] = useState<Session>()
  const [error, setError] = useState<Refused>()
  // Kept here, so that it is there for whoever has to sign in again.
  const [draft, setDraft] = useDraft()
  const look = () =>
    call<Session>('GET', '/console/session').then(setSession, (refused: Refused) => {
      setError(saysSo(refused))
      setTimeout(look, AGAIN_MS)
    })
  useEffect(() => {
    void look()
    const out = () => setSession((old) => old && { ...old, signed_in: false })
    signedOut.addEventListener('signed-out', out)
    return () => signedOut.removeEventListener('signed-out', out)
  }, [])
  if (session === undefined)
    return (
      <main class="plain" aria-busy="true">
        {error && <Trouble error={error} />}
      </main>
    )
  if (!session.signed_in) return <SignIn onDone={() => void look()} />
  return <Shell session={session} lookAgain={() => void look()} draft={draft} setDraft={setDraft} />
}

const sections: [name: IconName, label: string][] = [
  ['now', 'Now'],
  ['notifications', 'Notifications'],
  ['compose', 'Compose'],
  ['people', 'People'],
  ['alarms', 'Alarms'],
  ['keys', 'Keys'],
  ['audit', 'Audit'],
]

interface SignedIn extends Drafting {
  session: Session
  lookAgain: () => void
}

function Shell({ session, lookAgain, draft, setDraft }: SignedIn) {
  const { parts } = useRoute()
  const address = parts.join('/')
  const main = useFocusAfter(address)
  usePlace(address)
  const live = useLive<Now>('/api/operator/now/events', 'now')
  const at = !leadsSomewhere(parts) ? undefined : parts[0] === 'explain' ? 'people' : parts[0]
  const label = sections.find(([name]) => name === at)?.[1] ?? 'No such page'
  const waiting = (live.data?.alarms ?? 0) + (live.data?.breakers.length ?? 0)
  useTitle(label, address)
  useEffect(() => {
    // What came back may be another version, or in another mode; and what is away may be the session alone.
    if (live.status !== 'connecting') lookAgain()
  }, [live.status])
  const onSignOut = () => (setDraft(() => emptyDraft), lookAgain())
  return (
    <div class="shell">
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), main.current?.focus())}>
        Skip to {label}
      </a>
      <header class="side">
        <a class="brand" href={to('now')}>
          <img src={bell} alt="" width="32" height="32" />
          <span>Belfry</span>
        </a>
        <nav aria-label="Sections">
          {sections.map(([name, word]) => (
            <a key={name} href={to(name)} aria-current={at === name ? 'page' : undefined}>
              <Icon name={name} />
              <span>{word}</span>
              {name === 'alarms' && waiting > 0 && (
                <b class="bubble" title={`${waiting} open`}>
                  {waiting}
                </b>
              )}
            </a>
          ))}
        </nav>
        <Foot session={session} status={live.status} onSignOut={onSignOut} />
      </header>
      <main id="main" tabIndex={-1} ref={main}>
        <Section
          key={address}
          parts={parts}
          now={live.data}
          isAway={live.status === 'away'}
          draft={draft}
          setDraft={setDraft}
        />
      </main>
    </div>
  )
}

/** A link that went away with its page had the focus: it goes on in the page that came. */
function useFocusAfter(address: string) {
  const main = useRef<HTMLElement>(null)
  const shown = useRef(address)
  useLayoutEffect(() => {
    if (shown.current !== address && document.activeElement === document.body) main.current?.focus()
    shown.current = address
  }, [address])
  return main
}

const statusWords: Record<Status, string> = { live: 'Live', away: 'Reconnecting…', connecting: 'Connecting…' }

interface FootProps {
  session: Session
  status: Status
  onSignOut: () => void
}

function Foot({ session, status, onSignOut }: FootProps) {
  const { busy, run } = useDeed()
  const [failed, setFailed] = useState(false)
  useEffect(() => setFailed(false), [status])
  const signOut = () => run(() => call('POST', '/console/sign-out').then(onSignOut, () => setFailed(true)))
  return (
    <footer>
      {session.mode === 'sandbox' && (
        <p class="mode" title="Pretend phones ring; nothing reaches Expo">
          Sandbox
        </p>
      )}
      <p class={`live ${failed ? 'away' : status}`} role="status">
        {failed ? 'Not signed out' : statusWords[status]}
      </p>
      <p class="version">Version {session.version}</p>
      <button type="button" class="quiet" disabled={busy} onClick={() => void signOut()}>
        <Icon name="out" /> <span>Sign out</span>
      </button>
    </footer>
  )
}

/** How many parts may follow a section's name, at least and at most. */
const more: Record<string, [least: number, most: number]> = {
  now: [0, 0],
  notifications: [0, 1],
  compose: [0, 0],
  people: [0, 1],
  explain: [2, 2],
  alarms: [0, 0],
  keys: [0, 0],
  audit: [0, 2],
}

function leadsSomewhere([name = '', ...rest]: string[]): boolean {
  if (!Object.hasOwn(more, name) || rest.includes('')) return false
  const [least, most] = more[name] as [number, number]
  return rest.length >= least && rest.length <= most
}

interface Shown extends Drafting {
  parts: string[]
  now: Now | undefined
  isAway: boolean
}

/** A section that fails keeps its fault to itself: the way to the others stays. */
function Section(props: Shown) {
  const [fault] = useErrorBoundary()
  if (!leadsSomewhere(props.parts)) return <NoSuchPage />
  if (fault !== undefined) return <Broken fault={fault as unknown} />
  return <Present {...props} />
}

function Present({ parts: [name, first = '', second = ''], now, isAway, ...drafting }: Shown) {
  switch (name) {
    case 'notifications':
      return first === '' ? <NotificationsSection /> : <NotificationSection id={first} />
    case 'compose':
      return <ComposeSection {...drafting} />
    case 'people':
      return first === '' ? <PeopleSection /> : <PersonSection id={first} />
    case 'explain':
      return <ExplainSection user={first} notification={second} />
    case 'alarms':
      return <AlarmsSection open={(now?.alarms ?? 0) + (now?.breakers.length ?? 0)} />
    case 'keys':
      return <KeysSection />
    case 'audit':
      return first === 'by' ? <AuditSection actor={second} /> : <AuditSection subject={first} />
    default:
      return <NowSection now={now} isAway={isAway} />
  }
}
