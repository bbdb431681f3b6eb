/** What stands where nothing else can: no such page, nothing by that id, or a page that failed. */
import type { ComponentChildren } from 'preact'
import type { Refused } from '../api.ts'
import { to } from '../router.ts'
import { Empty, Trouble } from './bits.tsx'

export function NoSuchPage() {
  return (
    <>
      <div class="head">
        <h1>No such page</h1>
      </div>
      <Empty
        title="Nothing stands here"
        action={
          <a class="button primary" href={to('now')}>
            Go to Now
          </a>
        }
      >
        The address may be cut off, or mistyped: <code>{location.hash.slice(0, 200)}</code>
      </Empty>
    </>
  )
}

interface Failed {
  error: Refused
  again: () => void
  /** What it means when it is not there: `There is no user with this id`. */
  missing: string
  /** Why it may not be there. */
  children: ComponentChildren
}

/** An id that nothing has, and one that nothing can have, are told alike; anything else is trouble. */
export function LoadFailed({ error, again, missing, children }: Failed) {
  if (![400, 404, 414].includes(error.status)) return <Trouble error={error} again={again} />
  return (
    <Empty title={missing} alone>
      {children}
    </Empty>
  )
}

export function Broken({ fault }: { fault: unknown }) {
  return (
    <>
      <div class="head">
        <h1>This page failed</h1>
      </div>
      <div class="trouble" role="alert">
        <strong>The console could not draw it.</strong> <span>{String(fault)}</span>
        <button type="button" class="small" onClick={() => location.reload()}>
          Load it again
        </button>
      </div>
    </>
  )
}
