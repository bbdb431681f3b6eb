/** The fields of a draft, and the request that they come to. */
import type { Draft } from './draft.ts'

/** The request, or what is missing from it in a sentence. */
export function bodyOf(draft: Draft): { body: Record<string, unknown> } | { fault: string } {
  const { title, body } = wordsOf(draft)
  if (title === '' && body === '') return { fault: 'Write a title or a body first.' }
  const whom = whomOf(draft)
  if (whom === undefined) return { fault: draft.audience === 'users' ? 'Name at least one user.' : 'Name the topic.' }
  const data = dataOf(draft.data)
  if (data === undefined) return { fault: 'Data must be a JSON object, such as {"screen": "home"}.' }
  if (draft.when === 'later' && Number.isNaN(Date.parse(draft.at))) return { fault: 'Choose when it goes out.' }
  const except = names(draft.except)
  return {
    body: {
      to: whom,
      ...(title !== '' && { title }),
      ...(body !== '' && { body }),
      ...(Object.keys(data).length > 0 && { data }),
      ...(except.length > 0 && { except }),
      ...(draft.ttlHours !== '' && { ttl: Math.round(Number(draft.ttlHours) * 3_600) }),
      ...(draft.when === 'later' && { send_at: new Date(draft.at).toISOString() }),
      options: {
        ...(draft.sound && { sound: 'default' }),
        priority: draft.priority,
        ...(draft.badge !== '' && { badge: Number(draft.badge) }),
        ...(draft.channelId !== '' && { channelId: draft.channelId }),
        ...(draft.image !== '' && { richContent: { image: draft.image }, mutableContent: true }),
      },
    },
  }
}

function whomOf({ audience, users, topic }: Draft): unknown {
  if (audience === 'everyone') return 'everyone'
  if (audience === 'topic') return topic.trim() === '' ? undefined : { topic: topic.trim() }
  const named = names(users)
  return named.length === 0 ? undefined : { users: named }
}

const names = (text: string) => text.split(/[\s,]+/).filter((name) => name !== '')

function dataOf(text: string): Record<string, unknown> | undefined {
  if (text.trim() === '') return {}
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

/** What Expo counts: title, body and data, with the id that the server puts into the data. */
export function bytesOf(draft: Draft): number {
  const data = { notification_id: 'x'.repeat(36), ...dataOf(draft.data) }
  const { title, body } = wordsOf(draft)
  return new TextEncoder().encode(title + body + JSON.stringify(data)).length
}

/** Of blanks alone nothing is sent. */
function wordsOf({ title, body }: Draft) {
  return { title: title.trim() === '' ? '' : title, body: body.trim() === '' ? '' : body }
}

interface Fields {
  draft: Draft
  set: (change: Partial<Draft>) => void
}

export function Audience({ draft, set }: Fields) {
  const audiences = [
    ['everyone', 'Everyone'],
    ['users', 'Named users'],
    ['topic', 'A topic'],
  ] as const
  return (
    <>
      <div class="segments" role="group" aria-label="To whom">
        {audiences.map(([value, word]) => (
          <button
            type="button"
            key={value}
            aria-pressed={draft.audience === value}
            onClick={() => set({ audience: value })}
          >
            {word}
          </button>
        ))}
      </div>
      {draft.audience === 'users' && (
        <label class="field">
          <span>User ids, with commas or line breaks between them</span>
          <textarea rows={2} value={draft.users} onInput={(event) => set({ users: event.currentTarget.value })} />
        </label>
      )}
      {draft.audience === 'topic' && (
        <label class="field">
          <span>Topic</span>
          <input value={draft.topic} onInput={(event) => set({ topic: event.currentTarget.value })} />
        </label>
      )}
      {draft.audience !== 'users' && (
        <label class="field">
          <span>Except these users</span>
          <input
            placeholder="nobody"
            value={draft.except}
            onInput={(event) => set({ except: event.currentTarget.value })}
          />
        </label>
      )}
      <div class="segments" role="group" aria-label="When">
        <button type="button" aria-pressed={draft.when === 'now'} onClick={() => set({ when: 'now' })}>
          Now
        </button>
        <button type="button" aria-pressed={draft.when === 'later'} onClick={() => set({ when: 'later' })}>
          Later
        </button>
      </div>
      {draft.when === 'later' && (
        <label class="field">
          <span>Goes out at (your local time)</span>
          <input type="datetime-local" value={draft.at} onInput={(event) => set({ at: event.currentTarget.value })} />
        </label>
      )}
    </>
  )
}

export function Extras({ draft, set }: Fields) {
  return (
    <details>
      <summary>Data and options</summary>
      <label class="field">
        <span>Data for the app (JSON)</span>
        <textarea
          class="code"
          rows={3}
          placeholder={'{"screen": "home"}'}
          value={draft.data}
          onInput={(event) => set({ data: event.currentTarget.value })}
        />
      </label>
      <Pairs draft={draft} set={set} />
      <label class="field">
        <span>Image (URL)</span>
        <input type="url" value={draft.image} onInput={(event) => set({ image: event.currentTarget.value })} />
      </label>
      <label class="check">
        <input
          type="checkbox"
          checked={draft.sound}
          onChange={(event) => set({ sound: event.currentTarget.checked })}
        />
        <span>With sound</span>
      </label>
    </details>
  )
}

function Pairs({ draft, set }: Fields) {
  return (
    <div class="pair">
      <label class="field">
        <span>Priority</span>
        <select
          value={draft.priority}
          onChange={(event) => set({ priority: event.currentTarget.value as Draft['priority'] })}
        >
          <option value="high">High</option>
          <option value="default">Default</option>
          <option value="normal">Normal</option>
        </select>
      </label>
      <label class="field">
        <span>Android channel</span>
        <input value={draft.channelId} onInput={(event) => set({ channelId: event.currentTarget.value })} />
      </label>
      <label class="field">
        <span>Badge</span>
        <input
          type="number"
          min={0}
          value={draft.badge}
          onInput={(event) => set({ badge: event.currentTarget.value })}
        />
      </label>
      <label class="field">
        <span>Expires after (hours)</span>
        <input
          type="number"
          min={0}
          placeholder="24"
          value={draft.ttlHours}
          onInput={(event) => set({ ttlHours: event.currentTarget.value })}
        />
      </label>
    </div>
  )
}
