/** What a person may ask for: all that is kept about them, and that it be erased. */
import { useState } from 'preact/hooks'
import { call, useDeed } from '../api.ts'
import { Ask } from '../parts/ask.tsx'
import { Card, Trouble } from '../parts/bits.tsx'
import { to } from '../router.ts'

export function PersonData({ id, onErased }: { id: string; onErased: () => void }) {
  const [asking, setAsking] = useState(false)
  const { busy, error, run } = useDeed()
  const path = `/api/operator/users/${encodeURIComponent(id)}`
  const erase = () => {
    setAsking(false)
    void run(() => call('DELETE', path).then(onErased))
  }
  return (
    <Card title="What they may ask for">
      <p>
        Export gives all that is kept about them, as one JSON file. Erase deletes it for good; what the books need stays
        as numbers. <a href={to('audit', `user:${id}`)}>What was done to them</a> stands in the audit log.
      </p>
      {error && <Trouble error={error} />}
      <div class="buttons">
        <button
          type="button"
          disabled={busy}
          onClick={() => void run(async () => save(`${id}.json`, await call('GET', `${path}/export`)))}
        >
          Export
        </button>
        <button type="button" class="danger-quiet" disabled={busy} onClick={() => setAsking(true)}>
          Erase…
        </button>
      </div>
      {asking && (
        <Ask
          title="Erase this person?"
          verb="Erase for good"
          danger
          typed={id}
          exact
          onYes={erase}
          onNo={() => setAsking(false)}
        >
          <p>
            Their devices, posts, messages and history go, and what they were about to be sent is cancelled. Nobody can
            bring them back.
          </p>
        </Ask>
      )}
    </Card>
  )
}

/** Hands it to the browser as a file. */
function save(name: string, content: unknown): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([JSON.stringify(content, null, 2)], { type: 'application/json' }))
  link.download = name.replace(/[^\p{L}\p{N}._@-]/gu, '_')
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}
