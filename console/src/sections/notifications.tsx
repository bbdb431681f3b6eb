/** All notifications, newest first. */
import { count, counted, plain } from '../format.ts'
import { usePages } from '../pages.ts'
import { Empty, StateBadge, Time, Trouble, Waiting } from '../parts/bits.tsx'
import { hasEnded, ProgressBar, wholeOf } from '../parts/progress.tsx'
import { to, useKept } from '../router.ts'
import type { Listed } from '../types.ts'

const filters = [
  ['', 'All'],
  ['&lane=broadcast', 'Broadcasts'],
  ['&lane=direct', 'Direct'],
  ['&state=sending', 'Sending'],
  ['&state=paused', 'Paused'],
] as const

const EVERY_MS = 2_000

export function NotificationsSection() {
  const [filter, setFilter] = useKept('filter', '')
  const { all, older, error, again } = usePages<Listed>(
    `/api/notifications?limit=30${filter}`,
    'notifications',
    EVERY_MS,
  )
  return (
    <>
      <div class="head">
        <h1>Notifications</h1>
        <a class="button primary" href={to('compose')}>
          Compose
        </a>
      </div>
      <Filters filter={filter} choose={setFilter} />
      {error && <Trouble error={error} again={again} />}
      {all === undefined ? (
        !error && <Waiting rows={7} />
      ) : all.length === 0 ? (
        <Empty
          title="No notifications here"
          action={
            <a class="button primary" href={to('compose')}>
              Compose one
            </a>
          }
        >
          Posts, messages and what you compose will stand here, with what became of each.
        </Empty>
      ) : (
        <ul class="list">
          {all.map((one) => (
            <Row key={one.id} one={one} />
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

const kinds = { post: 'Post', message: 'Message', test: 'Test push', notify: 'Notification' } as const

function Row({ one }: { one: Listed }) {
  const isOver = hasEnded(one.state)
  return (
    <li class="row">
      <div class="what">
        <a href={to('notifications', one.id)}>{one.title ?? one.body ?? 'Without words'}</a>
        <span class="dim">
          {kinds[one.kind]} to {audienceWords(one)}
        </span>
      </div>
      <div class="how">
        <StateBadge state={one.state} scheduled={one.scheduled} />
        <Time at={one.scheduled && one.send_at ? one.send_at : one.created_at} />
      </div>
      <div class="far">
        <ProgressBar id={one.id} totals={one.totals} estimated={one.estimated} isOver={isOver} thin />
        <span class="dim">{outcome(one, isOver)}</span>
      </div>
    </li>
  )
}

export function audienceWords({ to: whom, except }: Pick<Listed, 'to' | 'except'>): string {
  const but = except > 0 ? `, except ${count(except)}` : ''
  if (whom === 'everyone') return `everyone${but}`
  return 'users' in whom ? `${counted(whom.users, 'user')}${but}` : `topic ${plain(whom.topic)}${but}`
}

/** Why nothing of it was sent. */
export const skipWords: Record<string, string> = {
  no_push_token: 'no device',
  disabled: 'pushes are off',
  credentials: 'suspended: the push key is refused',
}

function outcome(one: Listed, isOver: boolean): string {
  const { totals } = one
  if (one.skip_reason !== null) return skipWords[one.skip_reason] ?? one.skip_reason
  if (one.scheduled) return 'waits for its time'
  if (totals.targeted === 0) return isOver ? 'nobody was sent to' : 'has not begun'
  const refused = totals.refused + totals.failed
  const left = totals.skipped + totals.expired + totals.cancelled + totals.not_reached
  return [
    `${count(totals.accepted)} of ${count(wholeOf(totals, one.estimated, isOver))} accepted`,
    ...(refused > 0 ? [`${count(refused)} refused`] : []),
    ...(totals.unknown > 0 ? [`${count(totals.unknown)} unknown`] : []),
    ...(left > 0 && isOver ? [`${count(left)} not sent`] : []),
  ].join(', ')
}

function Filters({ filter, choose }: { filter: string; choose: (value: string) => void }) {
  return (
    <div class="segments" role="group" aria-label="Show">
      {filters.map(([value, word]) => (
        <button type="button" key={word} aria-pressed={filter === value} onClick={() => choose(value)}>
          {word}
        </button>
      ))}
    </div>
  )
}
