/** Writing a notification, seeing how it will look and whom it reaches, and sending it. */
import { useEffect, useMemo, useState } from 'preact/hooks'
import { AGAIN, AGAIN_MS, call, passes, Refused } from '../api.ts'
import { count, counted, duration } from '../format.ts'
import { Ask } from '../parts/ask.tsx'
import { Card, Given, Trouble } from '../parts/bits.tsx'
import { Phones } from '../parts/phones.tsx'
import { go } from '../router.ts'
import { Audience, bodyOf, bytesOf, Extras } from './compose-fields.tsx'
import { type Draft, emptyDraft } from './draft.ts'

interface DryRun {
  audience: { devices: number; ios: number; android: number; unknown: number; suspended: number }
  seconds: number | null
}

/** More recipients than this: the number is to be typed. */
const MANY = 1_000
const MAX_BYTES = 4_096
const TYPED_FOR_MS = 400

/** It outlives the page: who looks something up meanwhile finds it as it was. */
export interface Drafting {
  draft: Draft
  setDraft: (change: (old: Draft) => Draft) => void
}

export function ComposeSection({ draft, setDraft }: Drafting) {
  const [asking, setAsking] = useState(false)
  const set = (change: Partial<Draft>) => setDraft((old) => ({ ...old, ...change }))
  const read = useMemo(() => bodyOf(draft), [draft])
  const dry = useDryRun('body' in read ? JSON.stringify(read.body) : null)
  const bytes = bytesOf(draft)
  const { busy, error, send } = useSending({ draft, setDraft })
  const submit = (event: Event) => {
    event.preventDefault()
    if (dry.data === undefined) return
    setAsking(true)
  }
  const fault = 'fault' in read ? read.fault : undefined
  return (
    <>
      <div class="head">
        <h1>Compose</h1>
      </div>
      {/* The server says in a sentence what is wrong; a browser says nothing of a field that is folded away. */}
      <form class="compose" noValidate onSubmit={submit}>
        <div class="fields">
          <Words draft={draft} set={set} bytes={bytes} />
          <Card title="To whom, and when">
            <Audience draft={draft} set={set} />
          </Card>
        </div>
        <div class="aside">
          <Phones title={draft.title} body={draft.body} />
          <Card tight>
            <Reach run={dry.data} fault={fault} error={dry.error} />
            {error && <Trouble error={error} />}
            <button
              type="submit"
              class="primary wide"
              disabled={busy || dry.data === undefined || fault !== undefined || bytes > MAX_BYTES}
            >
              {draft.when === 'later' ? 'Schedule it' : 'Send it'}
            </button>
          </Card>
        </div>
      </form>
      {asking && dry.data && (
        <Sure
          draft={draft}
          run={dry.data}
          onYes={() => {
            setAsking(false)
            if ('body' in read) void send(read.body)
          }}
          onNo={() => setAsking(false)}
        />
      )}
    </>
  )
}

const ONCE = 'Press again: it goes out once, even if it was taken the first time.'

function useSending({ draft, setDraft }: Drafting) {
  const [error, setError] = useState<Refused>()
  const [busy, setBusy] = useState(false)
  const send = async (body: Record<string, unknown>) => {
    setBusy(true)
    setError(undefined)
    const words = JSON.stringify(body)
    const attempt = draft.attempt.words === words ? draft.attempt : { words, key: newKey() }
    setDraft((old) => ({ ...old, attempt }))
    const headers = { 'idempotency-key': attempt.key }
    await call<{ notification_id: string }>('POST', '/api/notifications', body, headers).then(
      (answer) => {
        setDraft(() => emptyDraft)
        go('notifications', answer.notification_id)
      },
      (refused: Refused) => setError(refused.status === 0 ? new Refused(0, refused.message, ONCE) : refused),
    )
    setBusy(false)
  }
  return { busy, error, send }
}

/** By hand: what makes UUIDs is there behind TLS only. */
function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

interface Reached {
  run: DryRun | undefined
  fault: string | undefined
  error: Refused | undefined
}

function Reach({ run, fault, error }: Reached) {
  return (
    <div class="reach" aria-live="polite">
      {fault ? <p class="dim">{fault}</p> : error ? <Trouble error={error} /> : <Counted run={run} />}
    </div>
  )
}

function Counted({ run }: { run: DryRun | undefined }) {
  if (run === undefined) return <p class="dim">Counting…</p>
  const { devices, ios, android, unknown, suspended } = run.audience
  return (
    <>
      <p>
        <strong class="big">{count(devices)}</strong> {devices === 1 ? 'device' : 'devices'}
      </p>
      <p class="dim">
        {count(ios)} iOS · {count(android)} Android{unknown > 0 && ` · ${count(unknown)} unknown`}
        {suspended > 0 && ` · ${count(suspended)} suspended, not counted`}
        {run.seconds !== null && devices > 0 && ` · about ${duration(run.seconds)}`}
      </p>
    </>
  )
}

/** Asks the server for the audience's size when nobody has typed for a moment. */
function useDryRun(body: string | null): { data: DryRun | undefined; error: Refused | undefined } {
  const [state, setState] = useState<{ key?: string; data?: DryRun; error?: Refused }>({})
  // The words do not change whom it reaches, but Expo's limits are checked along with it.
  useEffect(() => {
    if (body === null) return
    let isOld = false
    let timer: ReturnType<typeof setTimeout>
    const ask = () =>
      void call<DryRun>('POST', '/api/notifications', { ...(JSON.parse(body) as object), dry_run: true }).then(
        (data) => isOld || setState({ key: body, data }),
        (refused: Refused) => {
          if (isOld) return
          const isPassing = passes(refused)
          const hint = isPassing ? AGAIN : refused.hint
          setState({ key: body, error: new Refused(refused.status, refused.message, hint) })
          if (isPassing) timer = setTimeout(ask, AGAIN_MS)
        },
      )
    timer = setTimeout(ask, TYPED_FOR_MS)
    return () => {
      isOld = true
      clearTimeout(timer)
    }
  }, [body])
  return state.key === body ? { data: state.data, error: state.error } : { data: undefined, error: undefined }
}

function Words({ draft, set, bytes }: { draft: Draft; set: (change: Partial<Draft>) => void; bytes: number }) {
  return (
    <Card title="What">
      <label class="field">
        <span>Title</span>
        <input
          dir="auto"
          value={draft.title}
          maxLength={300}
          onInput={(event) => set({ title: event.currentTarget.value })}
        />
      </label>
      <label class="field">
        <span>Body</span>
        <textarea
          dir="auto"
          rows={3}
          value={draft.body}
          onInput={(event) => set({ body: event.currentTarget.value })}
        />
      </label>
      <p class={`meter${bytes > MAX_BYTES ? ' bad' : ''}`}>
        {count(bytes)} of {count(MAX_BYTES)} bytes, data included
      </p>
      <Extras draft={draft} set={set} />
    </Card>
  )
}

function Sure({ draft, run, onYes, onNo }: { draft: Draft; run: DryRun; onYes: () => void; onNo: () => void }) {
  return (
    <Ask
      title={draft.when === 'later' ? 'Schedule this notification?' : 'Send this notification?'}
      verb={draft.when === 'later' ? 'Schedule it' : `Send to ${counted(run.audience.devices, 'device')}`}
      {...(run.audience.devices > MANY && { typed: count(run.audience.devices) })}
      onYes={onYes}
      onNo={onNo}
    >
      <p>
        <strong>
          <Given text={draft.title || draft.body} />
        </strong>{' '}
        goes to {counted(run.audience.devices, 'device')}. What has rung cannot be taken back.
      </p>
    </Ask>
  )
}
