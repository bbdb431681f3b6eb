/** Asks before something that cannot be taken back; the keyboard stays inside until it is answered. */
import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { plain } from '../format.ts'
import { Given } from './bits.tsx'

interface Question {
  title: string
  children: ComponentChildren
  verb: string
  danger?: boolean
  /** What must be typed first. */
  typed?: string
  /** Typed as it is shown; else spaces and commas do not count. */
  exact?: boolean
  onYes: () => void
  onNo: () => void
}

export function Ask({ title, children, verb, danger, typed, exact, onYes, onNo }: Question) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [written, setWritten] = useState('')
  useLayoutEffect(() => {
    const shown = dialog.current
    shown?.showModal()
    // Closed before it goes away, it gives the focus back to where it came from.
    return () => shown?.close()
  }, [])
  const digits = (text: string) => text.replace(/[^\p{L}\p{N}]/gu, '')
  const same = exact ? written === plain(typed ?? '') : digits(written) === digits(typed ?? '')
  const mayGo = typed === undefined || same
  return (
    <dialog ref={dialog} onCancel={onNo} aria-labelledby="ask-title">
      <form
        method="dialog"
        onSubmit={(event) => {
          event.preventDefault()
          if (mayGo) onYes()
        }}
      >
        <h2 id="ask-title">{title}</h2>
        <div class="words">{children}</div>
        {typed !== undefined && (
          <label class="field">
            <span>
              Type <Given text={typed} /> to go on
            </span>
            <input
              autofocus
              {...(!exact && { inputMode: 'numeric' as const })}
              autocomplete="off"
              autocapitalize="off"
              spellcheck={false}
              value={written}
              onInput={(event) => setWritten(event.currentTarget.value)}
            />
          </label>
        )}
        <div class="buttons">
          <button type="button" onClick={onNo}>
            Back
          </button>
          <button type="submit" class={danger ? 'danger' : 'primary'} disabled={!mayGo}>
            {verb}
          </button>
        </div>
      </form>
    </dialog>
  )
}
